// Writing into the page. Nothing is touched that has not changed, and what comes from the server is
// inserted as text only.

const byId = (id) => document.getElementById(id);

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

function makeSvg(tag, attributes) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// Leaves exactly one child for each item; `fill` writes an item into the child that `create`
// made.
function sync(parent, items, create, fill) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  items.forEach((item, i) => {
    if (i === parent.children.length) parent.append(create());
    fill(parent.children[i], item, i);
  });
}

// A function that makes a row with a cell of each of these classes; the one marked with * is its
// header.
function makeRow(...classes) {
  return () => make('tr', '', ...classes.map((name) => {
           if (!name.startsWith('*')) return make('td', name);
           const header = make('th', name.slice(1));
           header.scope = 'row';
           return header;
         }));
}

const widthOf = (svg) => Math.max(60, Math.round(svg.getBoundingClientRect().width));
