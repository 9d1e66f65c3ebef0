// All that must hold of an overlay. Findings, a sentence each.
'use strict';

const {podOf} = require('./manifests.js');
const {checkNetwork} = require('./network_checks.js');
const {checkPods} = require('./pod_checks.js');
const {checkRollout} = require('./rollout_checks.js');
const {checkWiring} = require('./wiring_checks.js');

const OVERLAYS = ['base', 'overlays/dev', 'overlays/prod'];

async function checkManifests(manifests, types, serverConfig) {
  const findings = [];
  for (const object of [...manifests.objects, ...manifests.examples]) {
    findings.push(...await types.check(object));
  }
  if (findings.length > 0) return findings;  // what is malformed need not be understood

  const configs = {};
  for (const [name, kind, owner] of [
           ['server', 'Deployment', 'auth'], ['migrate', 'Job', 'auth-migrate']]) {
    const pod = podOf(manifests, kind, owner);
    const read = serverConfig.read(manifests, pod, pod.spec.containers[0]);
    findings.push(...read.findings.map((finding) => `${kind} ${owner}: ${finding}`));
    configs[name] = read.config;
  }
  findings.push(...checkPods(manifests), ...checkNetwork(manifests));
  const isRefused = Object.values(configs).some((config) => config.listen === undefined);
  if (isRefused) return findings;  // the rest is about what is in force
  return findings.concat(checkWiring(manifests, configs), checkRollout(manifests, configs));
}

module.exports = {
  OVERLAYS,
  checkManifests
};
