// Whether what names something else finds it: selectors, ports, references. Findings, a sentence
// each.
'use strict';

const {find, named, ofKind, podOf, pods, seconds, selects} = require('./manifests.js');
const {collector} = require('./pod_checks.js');

const portsOf = (pod) => pod.spec.containers.flatMap((container) => container.ports ?? []);
const hasPort = (pod, port) =>
    portsOf(pod).some(({name, containerPort}) => name === port || containerPort === port);
const selectedBy = (manifests, selector) =>
    pods(manifests).filter((pod) => selects(selector, pod.labels));
const portOf = (address) => Number(/:(\d+)$/.exec(address ?? '')?.[1]);

function checkSelectors(manifests) {
  const findings = [];
  for (const {owner, labels} of pods(manifests).filter(({owner}) => owner.spec.selector)) {
    const {check} = collect(findings, owner);
    check('does not select its own pods', selects(owner.spec.selector, labels));
    check('selects pods of others', selectedBy(manifests, owner.spec.selector).length === 1);
  }
  for (const service of ofKind(manifests, 'Service')) {
    const {check} = collect(findings, service);
    const chosen = selectedBy(manifests, {matchLabels: service.spec.selector});
    check('does not select the pods of one workload', service.spec.selector && chosen.length === 1);
    check('is not headless', service.spec.clusterIP === 'None');
    for (const port of service.spec.ports) {
      check(
          `leads to port ${port.targetPort}, which its pods do not have`,
          chosen.every((pod) => hasPort(pod, port.targetPort ?? port.port)));
    }
  }
  return findings;
}

function checkReferences(manifests) {
  const findings = [];
  for (const scaler of ofKind(manifests, 'HorizontalPodAutoscaler')) {
    const {kind, name, apiVersion} = scaler.spec.scaleTargetRef;
    collect(findings, scaler)
        .check('scales nothing', find(manifests, kind, name)?.apiVersion === apiVersion);
  }
  for (const budget of ofKind(manifests, 'PodDisruptionBudget')) {
    collect(findings, budget)
        .check(
            'does not protect the server',
            selectedBy(manifests, budget.spec.selector).map((pod) => named(pod.owner)).join() ===
                'Deployment auth');
  }
  for (const set of ofKind(manifests, 'StatefulSet')) {
    collect(findings, set)
        .check('names no Service', find(manifests, 'Service', set.spec.serviceName));
  }
  return findings;
}

// The server's: what it listens on is what the pod, the probes and the clients dial.
function checkListeners(manifests, {server}) {
  const {findings, check} = collector('Deployment auth');
  const pod = podOf(manifests, 'Deployment', 'auth');
  const number = (name) => portsOf(pod).find((port) => port.name === name)?.containerPort;
  check('port grpc is not --listen', number('grpc') === portOf(server.listen));
  check('port ops is not --ops-listen', number('ops') === portOf(server['ops-listen']));
  check(
      'others cannot reach the listeners',
      [server.listen, server['ops-listen']].every((each) => /^0\.0\.0\.0:/.test(each)));
  check('serves JSON in plaintext to others', /^(127\.0\.0\.1:\d+)?$/.test(server['http-listen']));
  const [container] = pod.spec.containers;
  for (const [probe, path] of [
           ['startupProbe', '/livez'], ['livenessProbe', '/livez'],
           ['readinessProbe', '/readyz']]) {
    const http = container[probe]?.httpGet;
    check(
        `${probe} does not ask ${path} at the port ops`,
        http?.path === path && http.port === 'ops' && !http.scheme);
  }
  return findings;
}

function checkTls(manifests, {server}) {
  const {findings, check} = collector(`overlay ${manifests.overlay}`);
  const plain = manifests.overlay === 'overlays/dev';
  for (const option of ['tls-cert', 'tls-key', 'tls-client-ca']) {
    check(`${option} is "${server[option]}"`, (server[option] === '') === plain);
  }
  const namespace = ofKind(manifests, 'Namespace')[0]?.metadata.name;
  for (const {metadata, spec} of ofKind(manifests, 'Certificate')) {
    const issuer = find(manifests, spec.issuerRef.kind, spec.issuerRef.name);
    check(`${metadata.name} has no issuer`, issuer?.apiVersion === `${spec.issuerRef.group}/v1`);
    if (spec.isCA) continue;
    check(
        `${metadata.name} does not name the Service`,
        spec.dnsNames.includes(`auth.${namespace}.svc.cluster.local`));
    check(`${metadata.name} serves nobody`, spec.usages.includes('server auth'));
    check(
        `${metadata.name} is renewed too late`,
        seconds(spec.renewBefore) >= 7 * 86400 &&
            seconds(spec.renewBefore) < seconds(spec.duration));
    check(
        `${metadata.name} is not of our authority`,
        ofKind(manifests, 'Certificate')
            .some(
                ({spec: {isCA, secretName}}) =>
                    isCA && secretName === issuer?.spec.ca?.secretName));
  }
  return findings;
}

// Adds to `findings` what does not hold of the object.
function collect(findings, object) {
  return {check: (what, holds) => holds || findings.push(`${named(object)}: ${what}`)};
}

function checkWiring(manifests, configs) {
  return [
    ...checkSelectors(manifests), ...checkReferences(manifests),
    ...checkListeners(manifests, configs), ...checkTls(manifests, configs)
  ];
}

module.exports = {checkWiring};
