// What the real auth_server makes of the environment and the files that a pod gives it.
'use strict';

const assert = require('node:assert/strict');
const {execFileSync, spawnSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {containers, find, ofKind, quantity} = require('./manifests.js');

// The variables that Kubernetes would set for a Service, were it not for `enableServiceLinks:
// false`.
function serviceLinks(name) {
  const prefix = name.toUpperCase().replace(/-/g, '_');
  const port = `${prefix}_PORT_50051_TCP`;
  return {
    [`${prefix}_SERVICE_HOST`]: '10.96.7.7',
    [`${prefix}_SERVICE_PORT`]: '50051',
    [`${prefix}_SERVICE_PORT_GRPC`]: '50051',
    [`${prefix}_PORT`]: 'tcp://10.96.7.7:50051',
    [port]: 'tcp://10.96.7.7:50051',
    [`${port}_PROTO`]: 'tcp',
    [`${port}_PORT`]: '50051',
    [`${port}_ADDR`]: '10.96.7.7',
  };
}

// What a container of our image has in its environment by itself: the ENV lines of the Dockerfile's
// last stage.
function imageEnvironment(dockerfile) {
  const lastStage = fs.readFileSync(dockerfile, 'utf8').split(/^FROM /m).pop();
  const lines = lastStage.match(/^ENV .*$/gm) ?? [];
  return Object.fromEntries(lines.map((line) => {
    const [, name, value] = /^ENV (\w+)=([^\s"'$\\]+)$/.exec(line) ?? [];
    assert.ok(name, `${dockerfile}: not understood: ${line}`);
    return [name, value];
  }));
}

// What sanitizer builds are told in this way is not the pod's business.
const SANITIZERS = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.endsWith('SAN_OPTIONS')));

function kept(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

class ServerConfig {
  #program;
  #image;
  #scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'auth-manifests-'));
  // What was made already: processes take their time, and most pods are alike.
  #certificates = new Map();
  #folders = new Map();
  #answers = new Map();

  constructor(program, dockerfile) {
    this.#program = program;
    this.#image = imageEnvironment(dockerfile);
  }

  dispose() {
    fs.rmSync(this.#scratch, {recursive: true});
  }

  // {findings, env, config}: the environment of the container's process, its files below our
  // scratch directory, and what --print-config says; config is {} if the server refuses it.
  read(manifests, pod, container) {
    const findings = [];
    const links = [
      'auth', 'auth-service', ...ofKind(manifests, 'Service').map(({metadata}) => metadata.name)
    ];
    const given = this.#environment(manifests, pod, container, findings);
    const env = {
      ...Object.assign({}, ...links.map(serviceLinks)),
      ...this.#withFiles(manifests, pod, container, given, findings)
    };
    const ran = kept(
        this.#answers, JSON.stringify([container.args, env]),
        () => spawnSync(
            this.#program, [...(container.args ?? []), '--print-config'],
            {env: {...SANITIZERS, ...env}, encoding: 'utf8'}));
    if (ran.status !== 0) findings.push(`auth_server refuses it: ${ran.stderr.trim()}`);
    const lines = ran.stdout.matchAll(/^([a-z][a-z0-9-]*) =(?: (.*))?$/gm);
    return {
      findings,
      env,
      config: Object.fromEntries([...lines].map(([, name, value]) => [name, value ?? '']))
    };
  }

  #environment(manifests, pod, container, findings) {
    const env = {...this.#image};
    for (const {configMapRef} of container.envFrom ?? []) {
      const map = configMapRef && find(manifests, 'ConfigMap', configMapRef.name);
      if (!map) findings.push(`envFrom names no ConfigMap: ${JSON.stringify(configMapRef)}`);
      Object.assign(env, map?.data);
    }
    for (const {name, value, valueFrom} of container.env ?? []) {
      const {containerName, resource} = valueFrom?.resourceFieldRef ?? {};
      const from = containers(pod).find((each) => each.name === (containerName ?? container.name));
      const [list, unit] = (resource ?? '').split('.');
      env[name] =
          valueFrom ? String(Math.ceil(quantity(from?.resources?.[list]?.[unit]))) : value ?? '';
      if (valueFrom && !resource) findings.push(`${name}: a secret is a file, not a variable`);
    }
    return env;
  }

  // The volumes as files below the scratch directory, and the variables that name them.
  #withFiles(manifests, pod, container, env, findings) {
    const folders = new Map();
    for (const {name, mountPath} of container.volumeMounts ?? []) {
      const secretName =
          (pod.spec.volumes ?? []).find((volume) => volume.name === name)?.secret?.secretName;
      if (secretName) folders.set(mountPath, this.#secretFolder(manifests, secretName, findings));
    }
    return Object.fromEntries(Object.entries(env).map(([name, value]) => {
      if (!value.startsWith('/')) return [name, value];
      const folder = folders.get(path.dirname(value));
      if (!folder) findings.push(`${name}: nothing is mounted at ${path.dirname(value)}`);
      const file = path.join(folder ?? '/nonexistent', path.basename(value));
      if (folder && !fs.existsSync(file))
        findings.push(`${name}: the Secret has no ${path.basename(value)}`);
      return [name, file];
    }));
  }

  #secretFolder(manifests, name, findings) {
    const texts = this.#secretTexts(manifests, name);
    if (!texts) findings.push(`nobody makes the Secret ${name}`);
    return kept(this.#folders, JSON.stringify(texts), () => {
      const folder = fs.mkdtempSync(path.join(this.#scratch, 'secret-'));
      for (const [key, text] of Object.entries(texts ?? {}))
        fs.writeFileSync(path.join(folder, key), text);
      return folder;
    });
  }

  // A Secret's texts by key, whoever makes it: cert-manager, the manifests, or people by the
  // example.
  #secretTexts(manifests, name) {
    const certificate = ofKind(manifests, 'Certificate').find(({spec}) => spec.secretName === name);
    if (certificate) return this.#issue(certificate.spec);
    const secret = find(manifests, 'Secret', name) ??
        manifests.examples.find((example) => example.metadata.name === name);
    if (!secret) return null;
    if (secret.type === 'kubernetes.io/tls')
      return this.#issue({commonName: 'auth', dnsNames: ['auth']});
    const decoded = Object.entries(secret.data ?? {})
                        .map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
    return {...Object.fromEntries(decoded), ...secret.stringData};
  }

  // A key, its certificate and the authority's, as cert-manager would for this specification.
  #issue({commonName, dnsNames = [], usages = []}) {
    return kept(this.#certificates, JSON.stringify([commonName, dnsNames, usages]), () => {
      const folder = fs.mkdtempSync(path.join(this.#scratch, 'tls-'));
      const run = (...words) => execFileSync('openssl', words, {cwd: folder, stdio: 'pipe'});
      const request = (file, subject) =>
          ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
           '-days', '1', '-subj', `/CN=${subject}`, '-keyout', `${file}.key`, '-out',
           `${file}.crt`];
      const uses =
          usages.filter((usage) => / auth$/.test(usage)).map((usage) => usage.replace(' a', 'A'));
      run(...request('ca', 'authority'));
      run(...request('tls', commonName), '-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext',
          'basicConstraints=critical,CA:FALSE', '-addext',
          `subjectAltName=${dnsNames.map((name) => `DNS:${name}`)}`,
          ...(uses.length > 0 ? ['-addext', `extendedKeyUsage=${uses}`] : []));
      return Object.fromEntries(['tls.crt', 'tls.key', 'ca.crt'].map(
          (file) => [file, fs.readFileSync(path.join(folder, file), 'utf8')]));
    });
  }
}

module.exports = {
  SANITIZERS,
  ServerConfig,
  imageEnvironment
};
