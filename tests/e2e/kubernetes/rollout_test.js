// Lives through what the README says, with the real server: the roles it makes, a server that waits
// for the migration, the Job, the server as overlays/prod starts it, authctl inside the pod, and
// the stop.
//
// Usage: NODE_PATH=<node_modules> node rollout_test.js KUBECTL AUTH_SERVER AUTHCTL DEPLOY_FOLDER
// DATA DATA is the data directory of a running private PostgreSQL.
'use strict';

const assert = require('node:assert/strict');
const {execFileSync, spawn, spawnSync} = require('node:child_process');
const {createHash, randomBytes} = require('node:crypto');
const {once} = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const {setTimeout: pass} = require('node:timers/promises');
const {podOf, render} = require('./manifests.js');
const {SANITIZERS, ServerConfig} = require('./server_config.js');

const [kubectl, authServer, authctl, deploy, data] = process.argv.slice(2);
const kubernetes = path.join(deploy, 'kubernetes');
const readme = fs.readFileSync(path.join(kubernetes, 'README.md'), 'utf8');
const token = randomBytes(32).toString('hex');
const START_MS = 60_000;

// The cluster of DATA: {url(role, password, database)}; its superuser runs the README's SQL.
function database() {
  const port = fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[3];
  const superuser = fs.readFileSync(path.join(data, '..', 'password'), 'utf8').trim();
  const url = (role, password, name) =>
      `postgresql://${role}:${password}@127.0.0.1:${port}/${name}`;
  const psql = (as, sql) => spawnSync(
      'psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', as],
      {input: sql, encoding: 'utf8'});
  return {url, psql, admin: url('postgres', superuser, 'postgres')};
}

function makeRoles({psql, admin}) {
  const [, sql] = /```sql\n([^]*?)```/.exec(readme);
  const made = psql(admin, sql);
  assert.equal(made.status, 0, made.stderr);
}

// In the place of the example's Secrets: what the README tells to make.
function fillIn(manifests, {url}) {
  const texts = {
    'auth-database': {url: url('auth_server', encodeURIComponent('choose another'), 'auth')},
    'auth-database-owner': {url: url('auth_owner', encodeURIComponent('choose one'), 'auth')},
    'auth-service-tokens':
        {'service-tokens': `oncall admin ${createHash('sha256').update(token).digest('hex')}\n`},
  };
  for (const secret of manifests.examples)
    Object.assign(secret.stringData, texts[secret.metadata.name]);
}

// A container's process. Its flags put the listeners on free ports of this machine's own.
class Process {
  constructor(env, folder) {
    this.portFile = path.join(folder, `ports-${randomBytes(4).toString('hex')}`);
    const flags =
        ['--listen=127.0.0.1:0', '--ops-listen=127.0.0.1:0', `--port-file=${this.portFile}`];
    this.child = spawn(
        authServer, flags, {env: {...SANITIZERS, ...env}, stdio: ['ignore', 'ignore', 'pipe']});
    this.log = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => this.log += text);
    this.ended = once(this.child, 'close').then(([code]) => code);
    process.on('exit', () => this.child.kill('SIGKILL'));
  }

  // {grpc, ops}: the addresses, once it is ready.
  async ready() {
    for (const end = Date.now() + START_MS; Date.now() < end; await pass(20)) {
      assert.equal(this.child.exitCode, null, this.log);
      if (!fs.existsSync(this.portFile)) continue;
      const ports = Object.fromEntries(
          fs.readFileSync(this.portFile, 'utf8').trim().split('\n').map((line) => line.split('=')));
      if ((await fetch(`http://${ports.ops}/readyz`)).status === 200) return ports;
    }
    throw new Error(`not ready in ${START_MS} ms: ${this.log}`);
  }
}

// The README's words for `kubectl exec`, at this address and with the pod's files.
function authctlInPod(env, address, words, input, variables = {}) {
  const [, exec] = /exec -i deployment\/auth -- \/usr\/bin\/authctl (.*) <admin-token/.exec(readme);
  const folder = path.dirname(env.AUTH_TLS_CERT);
  const options = exec.replaceAll('/etc/auth/tls', folder).replace('127.0.0.1:50051', address);
  const line = words === undefined ?
      options :
      options.replace('pool status', words).replace(' --token-stdin', '');
  return spawnSync(
      authctl, line.split(' '), {input, encoding: 'utf8', env: {...process.env, ...variables}});
}

async function checkServing(env, {grpc, ops}) {
  assert.equal((await fetch(`http://${ops}/livez`)).status, 200);
  assert.match(
      await (await fetch(`http://${ops}/metrics`)).text(), /^auth_worker_queue\{pool="hash"\} /m);
  const status = authctlInPod(env, grpc, undefined, token);
  assert.equal(status.status, 0, status.stderr);
  assert.match(status.stdout, /database +up/);
  // As the role that owns nothing.
  const registered = authctlInPod(
      env, grpc, 'register ana@example.com --json --password-stdin', 'violet-Tundra-47-kettle');
  assert.equal(registered.status, 0, registered.stderr);
  const session = JSON.parse(registered.stdout).session.sessionToken;
  // The second time there is nothing to do, which takes a privilege of its own.
  for (const _ of ['first', 'second']) {
    const ended = authctlInPod(env, grpc, 'sign-out', '', {AUTHCTL_TOKEN: session});
    assert.equal(ended.status, 0, ended.stderr);
  }
  // Whoever has no certificate of the authority is not served.
  const stranger = spawnSync(authctl, [
    'health', '--server', grpc, '--tls-server-name', 'auth', '--timeout', '2s', '--tls-ca',
    path.join(path.dirname(env.AUTH_TLS_CERT), 'ca.crt')
  ]);
  assert.equal(stranger.status, 3);
}

async function main() {
  const serverConfig = new ServerConfig(authServer, path.join(deploy, 'Dockerfile'));
  try {
    const {url, psql, admin} = database();
    makeRoles({psql, admin});
    const manifests = render(kubectl, kubernetes, 'overlays/prod');
    fillIn(manifests, {url});
    const read = (pod) => serverConfig.read(manifests, pod, pod.spec.containers[0]);
    const pod = podOf(manifests, 'Deployment', 'auth');
    const {env, findings} = read(pod);
    const folder = path.dirname(path.dirname(env.AUTH_TLS_CERT));
    assert.deepEqual(findings, []);

    const early = new Process(env, folder);
    assert.equal(await early.ended, 2, early.log);
    assert.match(early.log, /the database lacks migration 1/);
    console.log('a server that comes before the migration stops');

    const job = podOf(manifests, 'Job', 'auth-migrate');
    for (const time of ['first', 'second']) {
      execFileSync(
          authServer, [],
          {env: {...SANITIZERS, ...read(job).env}, stdio: ['ignore', 'inherit', 'inherit']});
      console.log(`the Job ends well the ${time} time`);
    }
    assert.notEqual(
        psql(url('auth_server', 'choose%20another', 'auth'), 'CREATE TABLE t ()').status, 0);

    const server = new Process(env, folder);
    await checkServing(env, await server.ready());
    console.log('the server serves who has a certificate, as a role that cannot create tables');

    const asked = Date.now();
    server.child.kill('SIGTERM');
    assert.equal(await server.ended, 0, server.log);
    const took = (Date.now() - asked) / 1000;
    assert.ok(
        took >= 5 && took < pod.spec.terminationGracePeriodSeconds, `stopped after ${took} s`);
    console.log(`it drains for ${took.toFixed(1)} s of ${pod.spec.terminationGracePeriodSeconds}`);
  } finally {
    serverConfig.dispose();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
