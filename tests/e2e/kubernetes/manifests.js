// What kustomize makes of a folder, and how to find one's way in it.
'use strict';

const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const yaml = require('yaml');

function parse(text) {
  return yaml.parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

// The objects of an overlay, and the Secrets that people are told to make themselves.
function render(kubectl, kubernetes, overlay) {
  const folder = path.join(kubernetes, overlay);
  const text = execFileSync(kubectl, ['kustomize', folder], {encoding: 'utf8'});
  const examples = path.join(kubernetes, 'base', 'secrets.example.yaml');
  return {overlay, objects: parse(text), examples: parse(fs.readFileSync(examples, 'utf8'))};
}

const named = (object) => `${object.kind} ${object.metadata?.name}`;
const ofKind = (manifests, kind) => manifests.objects.filter((object) => object.kind === kind);
const find = (manifests, kind, name) =>
    ofKind(manifests, kind).find((object) => object.metadata.name === name);

// The pods that the objects make: [{owner, labels, spec}].
function pods(manifests) {
  return manifests.objects.filter((object) => object.spec?.template?.spec)
      .map((owner) => ({
             owner,
             labels: owner.spec.template.metadata?.labels ?? {},
             spec: owner.spec.template.spec,
           }));
}
const podOf = (manifests, kind, name) =>
    pods(manifests).find(({owner}) => owner.kind === kind && owner.metadata.name === name);
const containers = (pod) => [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])];

// A LabelSelector; an empty one selects everything.
function selects(selector, labels) {
  if (selector?.matchExpressions) throw new Error('matchExpressions are not known here');
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

const SIZES = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30
};

// A Quantity in CPUs or bytes; NaN if it is none.
function quantity(text) {
  const [, number, unit] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(text)) ?? [];
  return Number(number) * (SIZES[unit] ?? NaN);
}

// A duration as auth_server and cert-manager write it, in seconds; NaN if it is none.
function seconds(text) {
  const [, number, unit] = /^([0-9]+)(ms|s|m|h)$/.exec(text ?? '') ?? [];
  return Number(number) * ({ms: 1e-3, s: 1, m: 60, h: 3600}[unit] ?? NaN);
}

module.exports = {
  containers,
  find,
  named,
  ofKind,
  parse,
  podOf,
  pods,
  quantity,
  render,
  seconds,
  selects,
};
