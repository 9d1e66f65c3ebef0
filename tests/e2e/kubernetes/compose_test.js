// Whether deploy/compose.yaml is what Compose takes, what our server takes, and shut to others;
// then breaks it in many ways and expects each to be noticed.
//
// Usage: NODE_PATH=<node_modules> node compose_test.js AUTH_SERVER AUTHCTL COMPOSE_FILE
'use strict';

const assert = require('node:assert/strict');
const {spawnSync} = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const {default: Ajv} = require('ajv');
const {dropLast, set, unset} = require('./change.js');
const {parse, seconds} = require('./manifests.js');
const {SANITIZERS, imageEnvironment} = require('./server_config.js');

const [authServer, authctl, file] = process.argv.slice(2);
const image = imageEnvironment(path.join(path.dirname(file), 'Dockerfile'));

// dclint carries the schema of the Compose Specification.
function schemaOf(nodeModules) {
  const text =
      fs.readFileSync(path.join(nodeModules, 'dclint', 'schemas', 'compose.schema.json'), 'utf8');
  const {$schema: _dialect, ...schema} = JSON.parse(text);
  return new Ajv({strict: false, allErrors: true, formats: {duration: true, uri: true}})
      .compile(schema);
}
const isCompose = schemaOf(process.env.NODE_PATH);

const findings = [];
const check = (what, holds) => holds || findings.push(what);

function checkSchema(compose) {
  if (isCompose(compose)) return;
  findings.push(...isCompose.errors.map(
      ({instancePath, message, params}) =>
          `schema: ${instancePath} ${message} ${JSON.stringify(params)}`));
}

function checkHardening(name, service) {
  check(`${name} runs as root`, /^[1-9]\d*:[1-9]\d*$/.test(service.user));
  check(`${name} can write to its root file system`, service.read_only === true);
  check(`${name} keeps capabilities`, service.cap_drop?.join() === 'ALL' && !service.cap_add);
  check(`${name} may gain privileges`, service.security_opt?.join() === 'no-new-privileges:true');
  check(`${name} is privileged`, !service.privileged && !service.network_mode && !service.pid);
  check(`${name} has no limits`, service.mem_limit && service.pids_limit > 0);
  check(`${name} has no health check`, service.healthcheck?.test?.[0] === 'CMD');
  check(
      `${name} is open to other machines`,
      (service.ports ?? []).every((port) => /^127\.0\.0\.1:\d+:\d+$/.test(port)));
}

function checkServer({services, networks}) {
  const {auth_server: server, postgres} = services;
  const ran = spawnSync(
      authServer, ['--print-config'],
      {env: {...SANITIZERS, ...image, ...server.environment}, encoding: 'utf8'});
  check(`auth_server refuses it: ${ran.stderr}`, ran.status === 0);
  const inForce = (option) => new RegExp(`^${option} = (.*)$`, 'm').exec(ran.stdout)?.[1];
  const ports = server.ports.map((port) => port.split(':').pop());
  for (const option of ['listen', 'http-listen', 'ops-listen']) {
    check(`${option} is not published`, ports.includes(inForce(option)?.split(':').pop()));
  }
  const drain = seconds(inForce('drain-delay')) + seconds(inForce('drain-timeout'));
  check('it is killed before it has drained', seconds(server.stop_grace_period) >= drain + 12);
  check(
      'it starts before its database',
      server.depends_on?.postgres?.condition === 'service_healthy');
  const url = new URL(server.environment.AUTH_DATABASE_URL);
  const {POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: name} =
      postgres.environment;
  check(
      'its URL is not the database',
      url.hostname === 'postgres' && url.username === user && url.password === password &&
          url.pathname === `/${name}`);
  check(
      'the database is open',
      !postgres.ports && networks.database?.internal === true &&
          postgres.networks.join() === 'database' && server.networks.includes('database'));
  check(
      'it is built from another file',
      server.build.dockerfile === 'deploy/Dockerfile' &&
          path.resolve(path.dirname(file), server.build.context) ===
              path.resolve(path.dirname(file), '..'));
  checkProbe(server.healthcheck.test);
}

// The probe's words are authctl's: nobody listens there, so that it ends with 3 (unavailable), not
// 2 (usage).
function checkProbe([, program, ...words]) {
  check('another probe than authctl', program === '/usr/bin/authctl');
  const elsewhere = words.map((word) => word.replace(/^127\.0\.0\.1:50051$/, '127.0.0.1:1'));
  check('the probe does not ask the server', elsewhere.join() !== words.join());
  const ran = spawnSync(authctl, [...elsewhere, '--timeout', '200ms'], {encoding: 'utf8'});
  check(`authctl refuses the probe: ${ran.stderr}`, ran.status === 3);
}

function checkAll(compose) {
  findings.length = 0;
  checkSchema(compose);
  if (findings.length > 0) return [...findings];
  for (const [name, service] of Object.entries(compose.services)) checkHardening(name, service);
  checkServer(compose);
  return [...findings];
}

const server = ({services}) => services.auth_server;
const postgres = ({services}) => services.postgres;
const MUTATIONS = [
  ['a misspelt field', /additional/, set(server, 'readonly', true)],
  ['a list that is none', /must be/, set(server, 'cap_drop', 'ALL')],
  ['root', /postgres runs as root/, unset(postgres, 'user')],
  ['a file system to write to', /can write/, set(server, 'read_only', false)],
  ['capabilities', /keeps capabilities/, set(postgres, 'cap_add', ['CHOWN'])],
  ['new privileges', /may gain/, unset(server, 'security_opt')],
  ['privileged', /is privileged/, set(server, 'privileged', true)],
  ['no limit', /no limits/, unset(postgres, 'mem_limit')],
  ['no health check', /no health check/, unset(postgres, 'healthcheck')],
  ['open ports', /open to other machines/, set(server, 'ports 0', '50051:50051')],
  ['an open database', /database is open/, set(postgres, 'ports', ['127.0.0.1:5432:5432'])],
  ['a misspelt variable', /refuses it: .*AUTH_LISTN/, set(server, 'environment AUTH_LISTN', 'x')],
  ['no plaintext', /refuses it: .*plaintext/, unset(server, 'environment AUTH_ALLOW_PLAINTEXT')],
  ['another port', /http-listen is not/, set(server, 'environment AUTH_HTTP_LISTEN', '0.0.0.0:81')],
  ['a short grace', /killed before/, set(server, 'stop_grace_period', '10s')],
  ['no order', /before its database/, set(server, 'depends_on', ['postgres'])],
  ['another password', /URL is not the/, set(postgres, 'environment POSTGRES_PASSWORD', 'x')],
  ['another file', /built from another file/, set(server, 'build dockerfile', 'Dockerfile')],
  ['another probe', /another probe than authctl/, set(server, 'healthcheck test 1', 'curl')],
  ['a probe of nothing', /does not ask the server/, dropLast(server, 'healthcheck test')],
  ['a misspelt probe', /refuses the probe/, set(server, 'healthcheck test 2', 'healthy')],
];

const [compose] = parse(fs.readFileSync(file, 'utf8'));
assert.deepEqual(checkAll(compose), []);
for (const [name, finding, change] of MUTATIONS) {
  const broken = structuredClone(compose);
  change(broken);
  const found = checkAll(broken);
  assert.ok(
      found.some((each) => finding.test(each)),
      `${name}: expected ${finding}, found ${found.join('; ')}`);
}
console.log(`compose.yaml: no findings; ${MUTATIONS.length} ways to break it, each noticed`);
