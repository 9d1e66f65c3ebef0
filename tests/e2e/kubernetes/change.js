// Changes to objects, as values. `where` finds something in an overlay's objects; `path` goes on
// from there: the names of fields and the places in lists, with spaces between them.
'use strict';

const at = (object, path) =>
    (path ? path.split(' ') : []).reduce((inner, key) => inner[key], object);
const ofPath = (path) => [path.split(' ').slice(0, -1).join(' '), path.split(' ').pop()];
function set(where, path, value) {
  const [outer, key] = ofPath(path);
  return (objects) => at(where(objects), outer)[key] = value;
}
function unset(where, path) {
  const [outer, key] = ofPath(path);
  return (objects) => delete at(where(objects), outer)[key];
}
const push = (where, path, value) => (objects) => at(where(objects), path).push(value);
const dropLast = (where, path) => (objects) => at(where(objects), path).pop();
const dropFirst = (where, path) => (objects) => at(where(objects), path).shift();
const all = (...changes) => (objects) => changes.forEach((change) => change(objects));

module.exports = {
  all,
  dropFirst,
  dropLast,
  push,
  set,
  unset
};
