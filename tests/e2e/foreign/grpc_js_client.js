// A client by @grpc/grpc-js that knows the published protos and service config, and nothing else.
// Usage: NODE_PATH=<node_modules> node grpc_js_client.js HOST:PORT PROTO_DIR SERVICE_CONFIG
'use strict';

const assert = require('node:assert/strict');
const {randomUUID} = require('node:crypto');
const fs = require('node:fs');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const address = process.argv[2];
const protoDir = process.argv[3];
const serviceConfig = fs.readFileSync(process.argv[4], 'utf8');

const PASSWORD = 'correct horse battery staple';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const protos = grpc.loadPackageDefinition(
    protoLoader.loadSync(['auth/v1/auth_service.proto', 'grpc/health/v1/health.proto'],
                         {includeDirs: [protoDir], keepCase: true, enums: String, defaults: true}));
const rpcTypes = new protobuf.Root();
rpcTypes.resolvePath = (_, path) => {
  const file = `${protoDir}/${path}`;
  return fs.existsSync(file) ? file : path;
};
rpcTypes.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);

const credentials = grpc.credentials.createInsecure();
const auth = new protos.auth.v1.AuthService(address, credentials, {
  'grpc.service_config': serviceConfig,
  'grpc.service_config_disable_resolution': 1,
});
const health = new protos.grpc.health.v1.Health(address, credentials);

function call(client, method, request) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    client[method](request, {deadline},
                   (error, response) => (error ? reject(error) : resolve(response)));
  });
}

// The details of a failed call by their type: {ErrorInfo: {…}, BadRequest: {…}}.
function decodeDetails(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  assert.ok(bytes, `no details: ${error.message}`);
  const status = rpcTypes.lookupType('google.rpc.Status').decode(bytes);
  assert.equal(status.code, error.code);
  return Object.fromEntries(status.details.map((any) => {
    const name = any.type_url.split('/')[1];
    return [name.split('.').pop(), rpcTypes.lookupType(name).decode(any.value)];
  }));
}

// Expects a refusal with this code and reason; returns its details.
async function refused(promise, code, reason) {
  const error = await promise.then(() => assert.fail(`${reason} expected, got OK`), (e) => e);
  assert.equal(error.code, code, error.message);
  const details = decodeDetails(error);
  assert.equal(details.ErrorInfo.reason, reason);
  assert.equal(details.ErrorInfo.domain, 'auth.v1');
  return {message: error.details, ...details};
}

async function main() {
  for (const service of ['', 'auth.v1.AuthService', 'database']) {
    assert.equal((await call(health, 'Check', {service})).status, 'SERVING', service);
  }

  const email = `Jürgen.${randomUUID()}@example.com`;
  const request_id = randomUUID();
  const registered = await call(auth, 'Register', {email, password: PASSWORD, request_id});
  assert.match(registered.user.id, UUID);
  assert.equal(registered.user.email, email);
  assert.equal(registered.user.email_verified, null);
  assert.match(registered.session.id, UUID);
  assert.equal(registered.session.user_id, registered.user.id);
  assert.match(registered.session.session_token, /^[A-Za-z0-9_-]{43}$/);
  assert.ok(Number(registered.session.expires.seconds) * 1000 > Date.now());

  const repeated = await call(auth, 'Register', {email, password: PASSWORD, request_id});
  assert.equal(repeated.user.id, registered.user.id);
  assert.notEqual(repeated.session.session_token, registered.session.session_token);

  await refused(call(auth, 'Register', {email: email.toUpperCase(), password: PASSWORD}),
                grpc.status.ALREADY_EXISTS, 'EMAIL_ALREADY_REGISTERED');
  await refused(call(auth, 'Register', {email: `x${email}`, password: PASSWORD, request_id}),
                grpc.status.INVALID_ARGUMENT, 'REQUEST_ID_CONFLICT');
  const invalid = await refused(
      call(auth, 'Register', {email: 'no address', password: 'short', request_id: 'no-uuid'}),
      grpc.status.INVALID_ARGUMENT, 'INVALID_FIELDS');
  const violations =
      Object.fromEntries(invalid.BadRequest.fieldViolations.map((v) => [v.field, v.reason]));
  assert.deepEqual(violations, {
    email: 'EMAIL_MALFORMED',
    password: 'PASSWORD_TOO_SHORT',
    request_id: 'REQUEST_ID_MALFORMED',
  });

  const wrong = await refused(call(auth, 'SignIn', {email, password: 'wrong'}),
                              grpc.status.UNAUTHENTICATED, 'INVALID_CREDENTIALS');
  const unknown = await refused(call(auth, 'SignIn', {email: `x${email}`, password: 'wrong'}),
                                grpc.status.UNAUTHENTICATED, 'INVALID_CREDENTIALS');
  assert.deepEqual(unknown, wrong);

  const {session: {session_token}} = await call(auth, 'SignIn', {email, password: PASSWORD});
  const valid = await call(auth, 'ValidateSession', {session_token});
  assert.deepEqual(valid.user, registered.user);
  assert.equal(valid.session.session_token, '');
  assert.deepEqual((await call(auth, 'GetUser', {session_token})).user, registered.user);

  await call(auth, 'SignOut', {session_token});
  await call(auth, 'SignOut', {session_token});
  await refused(call(auth, 'ValidateSession', {session_token}), grpc.status.UNAUTHENTICATED,
                'SESSION_INVALID');
}

main().then(
    () => {
      console.log('grpc-js: all answers are as published');
      process.exit(0);
    },
    (error) => {
      console.error(error);
      process.exit(1);
    });
