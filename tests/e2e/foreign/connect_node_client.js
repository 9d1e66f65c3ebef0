// A client by Connect for Node.js: JSON over HTTP/1.1, with messages made from the published protos
// at run time.
// Usage: NODE_PATH=<node_modules> node connect_node_client.js HTTP_HOST:PORT BUF PROTO_DIR TOKEN_FILE
'use strict';

const assert = require('node:assert/strict');
const {execFileSync} = require('node:child_process');
const {randomUUID} = require('node:crypto');
const fs = require('node:fs');
const {createFileRegistry, fromBinary} = require('@bufbuild/protobuf');
const {FileDescriptorSetSchema, timestampDate} = require('@bufbuild/protobuf/wkt');
const {Code, ConnectError, createClient} = require('@connectrpc/connect');
const {createConnectTransport} = require('@connectrpc/connect-node');

const [http, buf, protos, tokenFile] = process.argv.slice(2);

const PASSWORD = 'correct horse battery staple';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ATTEMPTS = 12;  // more than a limit on attempts lets through

const types = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, execFileSync(buf, ['build', protos, '-o', '-'])));
const transport = createConnectTransport(
    {baseUrl: `http://${http}`, httpVersion: '1.1', useBinaryFormat: false});
const auth = createClient(types.getService('auth.v1.AuthService'), transport);
const admin = createClient(types.getService('auth.v1.AdminService'), transport);

// Expects a refusal with this code and reason; returns its message, headers and details by type.
async function refused(promise, code, reason) {
  const error =
      ConnectError.from(await promise.then(() => assert.fail(`${reason} expected, got OK`), (e) => e));
  assert.equal(error.code, code, error.message);
  const details = Object.fromEntries(['ErrorInfo', 'BadRequest', 'RetryInfo'].map(
      (name) => [name, error.findDetails(types.getMessage(`google.rpc.${name}`))[0]]));
  assert.equal(details.ErrorInfo?.reason, reason, error.message);
  assert.equal(details.ErrorInfo.domain, 'auth.v1');
  return {message: error.rawMessage, headers: error.metadata, ...details};
}

async function account() {
  const email = `Jürgen.${randomUUID()}@example.com`;
  const requestId = randomUUID();
  const registered = await auth.register({email, password: PASSWORD, requestId});
  assert.match(registered.user.id, UUID);
  assert.equal(registered.user.email, email);
  assert.equal(registered.user.emailVerified, undefined);
  assert.equal(registered.session.userId, registered.user.id);
  assert.match(registered.session.sessionToken, /^[A-Za-z0-9_-]{43}$/);
  assert.ok(timestampDate(registered.session.expires) > new Date());
  const repeated = await auth.register({email, password: PASSWORD, requestId});
  assert.deepEqual(repeated.user, registered.user);

  const {session: {sessionToken}} = await auth.signIn({email, password: PASSWORD});
  const valid = await auth.validateSession({sessionToken});
  assert.deepEqual(valid.user, registered.user);
  assert.equal(valid.session.sessionToken, '');
  assert.deepEqual((await auth.getUser({sessionToken})).user, registered.user);

  await auth.signOut({sessionToken});
  await auth.signOut({sessionToken});
  await refused(auth.validateSession({sessionToken}), Code.Unauthenticated, 'SESSION_INVALID');
  await refused(auth.getUser({sessionToken}), Code.Unauthenticated, 'SESSION_INVALID');
  return {email, requestId};
}

async function refusals({email, requestId}) {
  await refused(auth.register({email: email.toUpperCase(), password: PASSWORD}), Code.AlreadyExists,
                'EMAIL_ALREADY_REGISTERED');
  await refused(auth.register({email: `x${email}`, password: PASSWORD, requestId}),
                Code.InvalidArgument, 'REQUEST_ID_CONFLICT');
  const invalid = await refused(
      auth.register({email: 'no address', password: 'short', requestId: 'no-uuid'}),
      Code.InvalidArgument, 'INVALID_FIELDS');
  const violations = invalid.BadRequest.fieldViolations;
  assert.deepEqual(Object.fromEntries(violations.map((v) => [v.field, v.reason])), {
    email: 'EMAIL_MALFORMED',
    password: 'PASSWORD_TOO_SHORT',
    request_id: 'REQUEST_ID_MALFORMED',
  });
  assert.ok(violations.every((violation) => violation.description));

  const unknown = await refused(auth.signIn({email: `x${email}`, password: 'wrong'}),
                                Code.Unauthenticated, 'INVALID_CREDENTIALS');
  const wrong = await refused(auth.signIn({email, password: 'wrong'}), Code.Unauthenticated,
                              'INVALID_CREDENTIALS');
  assert.deepEqual({...unknown, headers: null}, {...wrong, headers: null});
}

// Wrong passwords until the account's attempts are used up: the last one says when to come again.
async function limit({email}) {
  let error;
  for (let i = 0; i < ATTEMPTS && error?.code !== Code.ResourceExhausted; ++i) {
    error = await auth.signIn({email, password: 'wrong'}).catch((e) => e);
  }
  const limited = await refused(Promise.reject(error), Code.ResourceExhausted, 'RATE_LIMITED');
  const {seconds, nanos} = limited.RetryInfo.retryDelay;
  const delay = Number(seconds) + nanos / 1e9;
  assert.ok(delay > 0 && delay <= 10, `${delay} s`);
  assert.equal(Number(limited.headers.get('retry-after')), Math.ceil(delay));
}

// The request id, in answers and errors; returns a session's token.
async function metadata({email}) {
  let headers;
  const requestId = `connect-node.${randomUUID()}`;
  const options = {headers: {'X-Request-Id': requestId}, onHeader: (h) => (headers = h)};
  const {headers: ofError} = await refused(
      auth.validateSession({sessionToken: 'x'}, options), Code.Unauthenticated, 'SESSION_INVALID');
  assert.equal(ofError.get('x-request-id'), requestId);
  const {session: {sessionToken}} =
      await auth.register({email: `y${email}`, password: PASSWORD}, options);
  assert.equal(headers.get('x-request-id'), requestId);
  return sessionToken;
}

// By the header, so that it is the server that keeps time, not this client.
async function timeouts({email}, sessionToken) {
  const timeout = (text) => ({headers: {'Connect-Timeout-Ms': text}});
  await refused(auth.validateSession({sessionToken}, timeout('0')), Code.DeadlineExceeded,
                'DEADLINE_EXCEEDED');
  await refused(auth.validateSession({sessionToken}, timeout('1 s')), Code.InvalidArgument,
                'INVALID_FIELDS');
  const early = await auth.register({email: `z${email}`, password: PASSWORD}, {timeoutMs: 1})
                    .then(() => assert.fail('1 ms was enough for a hash'), (e) => e);
  assert.equal(early.code, Code.DeadlineExceeded);
  const {user} = await auth.getUser({sessionToken}, {timeoutMs: 10_000});
  assert.equal(user.email, `y${email}`);
}

async function administration() {
  const bearer = (token) => ({headers: {Authorization: `Bearer ${token}`}});
  await refused(admin.getPoolStatus({}), Code.Unauthenticated, 'CALLER_NOT_ALLOWED');
  await refused(admin.recreatePool({}, bearer('wrong')), Code.Unauthenticated, 'CALLER_NOT_ALLOWED');
  const allowed = bearer(fs.readFileSync(tokenFile, 'utf8').trim());
  const {status} = await admin.getPoolStatus({}, allowed);
  assert.ok(status.ready);
  assert.equal(status.maxConnections, 10);
  const {generation} = await admin.recreatePool({}, allowed);
  assert.equal(generation, status.generation + 1);
}

async function main() {
  const known = await account();
  await refusals(known);
  await timeouts(known, await metadata(known));
  await limit(known);
  await administration();
  console.log('connect-node: all answers are as published');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
