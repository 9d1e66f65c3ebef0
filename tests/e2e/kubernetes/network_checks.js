// Who reaches whom, by what the NetworkPolicies say together. Findings, a sentence each.
'use strict';

const {BlockList} = require('node:net');
const {ofKind, podOf, selects} = require('./manifests.js');
const {collector} = require('./pod_checks.js');

const OUTSIDE = {
  address: '203.0.113.7'
};
const PRIVATE = {
  address: '10.1.2.3'
};
const METADATA = {
  address: '169.254.169.254'
};
const DNS = {
  namespace: {'kubernetes.io/metadata.name': 'kube-system'},
  labels: {'k8s-app': 'kube-dns'}
};
// NodeLocal DNSCache.
const NODE_DNS = {
  address: '169.254.20.10'
};
const CLIENT = {
  namespace: {'auth-service/client': 'true'},
  labels: {}
};
const MONITORING = {
  namespace: {'kubernetes.io/metadata.name': 'monitoring'},
  labels: {}
};
const STRANGER = {
  namespace: {'kubernetes.io/metadata.name': 'other'},
  labels: {}
};

function inBlock({cidr, except = []}, address) {
  const block = new BlockList();
  const excepted = new BlockList();
  const add = (list, text) => list.addSubnet(text.split('/')[0], Number(text.split('/')[1]));
  add(block, cidr);
  except.forEach((each) => add(excepted, each));
  return block.check(address) && !excepted.check(address);
}

// `peer` is {address}, {namespace, labels} of a pod elsewhere, or {labels} of one in the same
// namespace.
function isPeer(rule, peer) {
  if (rule.ipBlock) return peer.address !== undefined && inBlock(rule.ipBlock, peer.address);
  if (peer.address !== undefined) return false;
  const inNamespace = rule.namespaceSelector ?
      selects(rule.namespaceSelector, peer.namespace ?? {}) :
      !peer.namespace;
  return inNamespace && selects(rule.podSelector, peer.labels);
}

// A named port is one of the pod that is reached.
function isPort(rule, port, target) {
  const named = target?.spec.containers.flatMap(({ports}) => ports ?? [])
                    .find(({name}) => name === rule.port);
  return (rule.protocol ?? 'TCP') === port.protocol &&
      (named?.containerPort ?? rule.port) === port.number;
}

// Whether `pod` may be reached by (Ingress), or reach (Egress), this peer at this port.
function allows(manifests, direction, pod, peer, port) {
  const policies = ofKind(manifests, 'NetworkPolicy')
                       .filter(
                           ({spec}) => spec.policyTypes?.includes(direction) &&
                               selects(spec.podSelector, pod.labels));
  if (policies.length === 0) return true;
  const [rules, side] = direction === 'Ingress' ? ['ingress', 'from'] : ['egress', 'to'];
  const target = direction === 'Ingress' ? pod : undefined;
  return policies.flatMap(({spec}) => spec[rules] ?? [])
      .some(
          (rule) => (!rule[side] || rule[side].some((each) => isPeer(each, peer))) &&
              (!rule.ports || rule.ports.some((each) => isPort(each, port, target))));
}

function checkNetwork(manifests) {
  const {findings, check} = collector(`overlay ${manifests.overlay}`);
  const tcp = (number) => ({protocol: 'TCP', number});
  const server = podOf(manifests, 'Deployment', 'auth');
  const migration = podOf(manifests, 'Job', 'auth-migrate');
  const postgres = podOf(manifests, 'StatefulSet', 'postgres');
  const expect = (wanted, direction, pod, who, peer, port) => check(
      `${pod.owner.metadata.name}: ${direction} of ${who} at ${port.protocol} ${port.number} is ${
          wanted ? 'closed' : 'open'}`,
      allows(manifests, direction, pod, peer, port) === wanted);

  expect(true, 'Ingress', server, 'a client', CLIENT, tcp(50051));
  expect(false, 'Ingress', server, 'a client', CLIENT, tcp(9090));
  expect(true, 'Ingress', server, 'Prometheus', MONITORING, tcp(9090));
  expect(false, 'Ingress', server, 'Prometheus', MONITORING, tcp(50051));
  for (const port of [50051, 9090, 8000]) {
    expect(false, 'Ingress', server, 'a stranger', STRANGER, tcp(port));
    expect(false, 'Ingress', server, 'the outside', OUTSIDE, tcp(port));
    expect(false, 'Ingress', server, 'a neighbour', {labels: {}}, tcp(port));
    expect(false, 'Ingress', migration, 'a client', CLIENT, tcp(port));
  }
  for (const pod of [server, migration]) {
    for (const [who, dns] of [
             ['the DNS', DNS], ['the DNS of the node', NODE_DNS], ['the DNS of GKE', METADATA]]) {
      expect(true, 'Egress', pod, who, dns, {protocol: 'UDP', number: 53});
      expect(true, 'Egress', pod, who, dns, tcp(53));
    }
    expect(false, 'Egress', pod, 'another DNS', OUTSIDE, {protocol: 'UDP', number: 53});
    expect(false, 'Egress', pod, 'the web', OUTSIDE, tcp(443));
    expect(false, 'Egress', pod, 'the metadata service', METADATA, tcp(80));
    if (postgres) expect(true, 'Egress', pod, 'PostgreSQL', {labels: postgres.labels}, tcp(5432));
    if (manifests.overlay === 'base') continue;  // which leaves the database's place open
    expect(!postgres, 'Egress', pod, 'a database outside', OUTSIDE, tcp(5432));
    expect(false, 'Egress', pod, 'a private database', PRIVATE, tcp(5432));
    expect(false, 'Egress', pod, 'a stranger', STRANGER, tcp(5432));
  }
  const newcomer = {owner: {metadata: {name: 'another pod'}}, labels: {}, spec: {containers: []}};
  expect(false, 'Ingress', newcomer, 'a client', CLIENT, tcp(80));
  expect(false, 'Egress', newcomer, 'the web', OUTSIDE, tcp(443));
  if (!postgres) return findings;
  for (const pod of [server, migration]) {
    expect(true, 'Ingress', postgres, pod.owner.metadata.name, {labels: pod.labels}, tcp(5432));
  }
  expect(false, 'Ingress', postgres, 'a neighbour', {labels: {}}, tcp(5432));
  expect(false, 'Ingress', postgres, 'a client', CLIENT, tcp(5432));
  expect(false, 'Egress', postgres, 'the web', OUTSIDE, tcp(443));
  return findings;
}

module.exports = {checkNetwork};
