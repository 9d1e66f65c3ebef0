// What a pod may do: Pod Security "restricted", and what we ask beyond it. Findings, a sentence
// each.
//
// After the Pod Security Standards of Kubernetes; a field that they allow and we do not use is not
// allowed here.
'use strict';

const {containers, find, named, ofKind, pods, quantity} = require('./manifests.js');

const OUR_USER = 65532;  // of the image
const OURS = 'auth-service';
const VOLUME_TYPES = ['secret', 'emptyDir', 'configMap', 'persistentVolumeClaim', 'projected'];
const POD_FIELDS = [
  'automountServiceAccountToken',
  'containers',
  'enableServiceLinks',
  'initContainers',
  'restartPolicy',
  'securityContext',
  'serviceAccountName',
  'terminationGracePeriodSeconds',
  'topologySpreadConstraints',
  'volumes',
];
const POD_CONTEXT =
    ['runAsNonRoot', 'runAsUser', 'runAsGroup', 'fsGroup', 'fsGroupChangePolicy', 'seccompProfile'];
const CONTAINER_CONTEXT = ['allowPrivilegeEscalation', 'readOnlyRootFilesystem', 'capabilities'];

const isOurs = (container) => container.image.split(/[:@]/)[0].split('/').pop() === OURS;
const others = (object, allowed) =>
    Object.keys(object ?? {}).filter((key) => !allowed.includes(key));

// A `check(what, holds)` that collects what does not hold.
function collector(where) {
  const findings = [];
  return {findings, check: (what, holds) => holds || findings.push(`${where}: ${what}`)};
}

function checkIdentity(pod) {
  const {findings, check} = collector(named(pod.owner));
  const {spec} = pod;
  const context = spec.securityContext ?? {};
  check(
      `pod fields that no check knows: ${others(spec, POD_FIELDS)}`,
      others(spec, POD_FIELDS).length === 0);
  check('mounts a service account token', spec.automountServiceAccountToken === false);
  check('has service links', spec.enableServiceLinks === false);
  check('runAsNonRoot is not set', context.runAsNonRoot === true);
  check('runs as root', context.runAsUser > 0 && context.runAsGroup > 0);
  check(
      'fsGroup is not its group: it could not read its secrets',
      context.fsGroup === context.runAsGroup);
  check('has no seccomp profile', context.seccompProfile?.type === 'RuntimeDefault');
  check(
      `security context with ${others(context, POD_CONTEXT)}`,
      others(context, POD_CONTEXT).length === 0);
  if (containers(pod).some(isOurs)) {
    check(`is not the image's user ${OUR_USER}`, context.runAsUser === OUR_USER);
    check('is the namespace\'s default service account', spec.serviceAccountName === 'auth');
  }
  return findings;
}

function checkContainer(manifests, pod, container) {
  const {findings, check} = collector(`${named(pod.owner)}, container ${container.name}`);
  const context = container.securityContext ?? {};
  check('may escalate privileges', context.allowPrivilegeEscalation === false);
  check('can write to its root file system', context.readOnlyRootFilesystem === true);
  check(
      'does not drop all capabilities',
      JSON.stringify(context.capabilities) === '{"drop":["ALL"]}');
  check(
      `security context with ${others(context, CONTAINER_CONTEXT)}`,
      others(context, CONTAINER_CONTEXT).length === 0);
  check(
      'takes a port of the node',
      (container.ports ?? []).every((port) => port.hostPort === undefined));
  const isTagged = /(:(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})$/.test(container.image);
  check('has no image tag that stays', isTagged || manifests.overlay === 'base');
  check('pulls an image that is there', container.imagePullPolicy === 'IfNotPresent');
  check(
      'has a hook, which the image has no shell for',
      container.lifecycle === undefined || !isOurs(container));
  for (const list of ['requests', 'limits']) {
    for (const unit of ['cpu', 'memory']) {
      check(`has no ${unit} in ${list}`, quantity(container.resources?.[list]?.[unit]) > 0);
    }
  }
  for (const unit of ['cpu', 'memory']) {
    const {requests, limits} = container.resources ?? {};
    check(
        `asks for more ${unit} than its limit`,
        quantity(requests?.[unit]) <= quantity(limits?.[unit]));
  }
  return findings;
}

function checkVolumes(pod) {
  const {findings, check} = collector(named(pod.owner));
  const volumes = pod.spec.volumes ?? [];
  const claims = (pod.owner.spec.volumeClaimTemplates ?? []).map(({metadata}) => metadata.name);
  const mounts = containers(pod).flatMap((container) => container.volumeMounts ?? []);
  for (const volume of volumes) {
    const types = others(volume, ['name']);
    check(
        `volume ${volume.name} is a ${types}`,
        types.length === 1 && VOLUME_TYPES.includes(types[0]));
    check(
        `volume ${volume.name} is mounted nowhere`, mounts.some(({name}) => name === volume.name));
    check(`volume ${volume.name} has no size limit`, !volume.emptyDir || volume.emptyDir.sizeLimit);
    if (!volume.secret) continue;
    check(`secret ${volume.name} can be read by others`, volume.secret.defaultMode === 0o440);
    for (const mount of mounts.filter(({name}) => name === volume.name)) {
      check(`secret ${volume.name} is mounted to be written`, mount.readOnly === true);
      check(
          `secret ${volume.name} never sees a rotation: it has a subPath`,
          !mount.subPath && !mount.subPathExpr);
    }
  }
  for (const {name} of mounts) {
    check(
        `mounts ${name}, which is no volume`,
        claims.includes(name) || volumes.some((each) => each.name === name));
  }
  return findings;
}

function checkNamespace(manifests) {
  const {findings, check} = collector(`overlay ${manifests.overlay}`);
  const [namespace, ...more] = ofKind(manifests, 'Namespace');
  check('has not one namespace', namespace !== undefined && more.length === 0);
  for (const mode of ['enforce', 'audit', 'warn']) {
    const level = namespace?.metadata.labels?.[`pod-security.kubernetes.io/${mode}`];
    check(`does not ${mode} Pod Security "restricted"`, level === 'restricted');
  }
  for (const object of manifests.objects.filter((each) => each.kind !== 'Namespace')) {
    const expected = manifests.overlay === 'base' ? undefined : namespace?.metadata.name;
    check(`${named(object)} is in another namespace`, object.metadata.namespace === expected);
  }
  const account = find(manifests, 'ServiceAccount', 'auth');
  check('gives its service account a token', account?.automountServiceAccountToken === false);
  check('gives somebody rights', manifests.objects.every(({kind}) => !/Role/.test(kind)));
  return findings;
}

function checkPods(manifests) {
  return checkNamespace(manifests).concat(pods(manifests).flatMap(
      (pod) =>
          [...checkIdentity(pod),
           ...checkVolumes(pod),
           ...containers(pod).flatMap((container) => checkContainer(manifests, pod, container)),
  ]));
}

module.exports = {
  checkPods,
  collector
};
