// An HTTP server that sends the real page of the dashboard, and snapshots that a test scripts.
'use strict';

const {execFileSync} = require('node:child_process');
const http = require('node:http');

// A pool at work: the schema of /dashboard/snapshot.
function snapshot(changes = {}) {
  const buckets =
      (...counts) => [.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5,
                      5, 10, 30, null]
                         .map((upToSeconds, i) => ({upToSeconds, count: counts[i] ?? 0}));
  const base = {
    sequence: 17,
    time: '2026-11-26T07:30:00.123456Z',
    version: '0.1.0',
    uptimeSeconds: 4123.4,
    ready: true,
    database: {
      status: 'up',
      since: '2026-11-26T06:21:18.020000Z',
      breaker: 'closed',
      lastError: {class: 'lost', sqlstate: '57P01'},
    },
    pool: {
      max: 10,
      total: 5,
      connecting: 0,
      validating: 1,
      idle: 2,
      inUse: 2,
      resetting: 0,
      waiters: 0,
      generation: 2,
      slots: [
        {
          state: 'in_use',
          generation: 2,
          ageSeconds: 612.3,
          inStateSeconds: 0.004,
          expiresInSeconds: 1187.7
        },
        {
          state: 'in_use',
          generation: 2,
          ageSeconds: 604.9,
          inStateSeconds: 0.012,
          expiresInSeconds: 1195.1
        },
        {
          state: 'validating',
          generation: 2,
          ageSeconds: 598.2,
          inStateSeconds: 0.001,
          expiresInSeconds: 1201.8
        },
        {
          state: 'idle',
          generation: 2,
          ageSeconds: 45.1,
          inStateSeconds: 3.2,
          expiresInSeconds: 116.8
        },
        {
          state: 'idle',
          generation: 2,
          ageSeconds: 4002.6,
          inStateSeconds: 30.5,
          expiresInSeconds: null
        },
      ],
    },
    acquire: {
      count: 12931,
      sumSeconds: 21.4,
      buckets: buckets(10211, 1604, 402, 331, 190, 88, 41, 33, 18, 9, 4)
    },
    hash: {
      count: 8214,
      sumSeconds: 201.1,
      buckets: buckets(0, 0, 0, 0, 0, 0, 612, 5920, 1390, 251, 38, 3)
    },
    workers: [
      {name: 'hash', threads: 2, running: 2, queued: 3},
      {name: 'store', threads: 10, running: 2, queued: 0}
    ],
    calls: [
      {rpc: 'Register', total: 3051, errors: 41}, {rpc: 'SignIn', total: 5163, errors: 218},
      {rpc: 'ValidateSession', total: 91206, errors: 12}, {rpc: 'SignOut', total: 1874, errors: 0},
      {rpc: 'GetUser', total: 20418, errors: 0}
    ],
    events: [
      {
        time: '2026-11-25T23:58:02.100000Z',
        kind: 'leak',
        message: 'A connection has been lent for 1m 0s',
        sqlstate: '',
        count: 1
      },
      {
        time: '2026-11-26T06:21:07.310000Z',
        kind: 'connection_lost',
        message: 'Connection is invalid (server closed it), getting new connection',
        sqlstate: '57P01',
        count: 4
      },
      {
        time: '2026-11-26T06:21:07.330000Z',
        kind: 'recreated',
        message: 'Connection pool may be stale, recreating pool',
        sqlstate: '',
        count: 1
      },
      {
        time: '2026-11-26T06:21:07.400000Z',
        kind: 'database',
        message: 'The database does not answer',
        sqlstate: '',
        count: 1
      },
      {
        time: '2026-11-26T06:21:12.900000Z',
        kind: 'connect_failed',
        message: 'Failed to get connection (attempt 3/3): connection refused',
        sqlstate: '',
        count: 12
      },
      {
        time: '2026-11-26T06:21:12.910000Z',
        kind: 'breaker',
        message: 'Open: calls are refused at once',
        sqlstate: '',
        count: 1
      },
      {
        time: '2026-11-26T06:21:13.410000Z',
        kind: 'retry',
        message: 'Retrying in 0.5s',
        sqlstate: '57P03',
        count: 3
      },
      {
        time: '2026-11-26T06:21:18.020000Z',
        kind: 'database',
        message: 'The database answers again',
        sqlstate: '',
        count: 1
      },
      {
        time: '2026-11-26T06:21:18.030000Z',
        kind: 'in_doubt',
        message: 'A write was in doubt; it was replayed',
        sqlstate: '',
        count: 2
      },
    ],
  };
  return merge(base, changes);
}

// Objects are merged, everything else is replaced.
function merge(base, changes) {
  const merged = {...base};
  for (const [name, value] of Object.entries(changes)) {
    const both = [base[name], value].every(
        (each) => each && typeof each === 'object' && !Array.isArray(each));
    merged[name] = both ? merge(base[name], value) : value;
  }
  return merged;
}

class ScriptedServer {
  // `printer` is the program print_dashboard_page.
  constructor(printer) {
    const printed = execFileSync(printer, {encoding: 'utf8'});
    const end = printed.indexOf('\n\n');
    this.headers = Object.fromEntries(
        printed.slice(0, end).split('\n').map((line) => line.split(/: (.*)/, 2)));
    this.page = printed.slice(end + 2);
    this.requests = [];  // {path, at}
    this.underWay = 0;
    this.mostAtOnce = 0;
    this.answer();
  }

  // Answers snapshots with what `next` returns, after `delay` milliseconds.
  answer(next = () => snapshot(), delay = 0) {
    this.respond = (response) => setTimeout(() => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(next()));
    }, delay);
  }
  answerStatus(status) {
    this.respond = (response) => response.writeHead(status).end('{}');
  }
  answerText(text) {
    this.respond = (response) => response.end(text);
  }
  neverAnswer() {
    this.respond = () => {};
  }
  closeConnections() {
    this.respond = (response) => response.destroy();
  }

  polls() {
    return this.requests.filter(({path}) => path === '/dashboard/snapshot');
  }

  async start() {
    this.server = http.createServer((request, response) => this.#serve(request, response));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(request, response) {
    this.requests.push({path: request.url, at: performance.now()});
    if (request.url === '/dashboard') {
      response.writeHead(200, this.headers).end(this.page);
    } else if (request.url === '/dashboard/snapshot') {
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay);
      response.on('close', () => --this.underWay);
      this.respond(response);
    } else {
      response.writeHead(404).end();
    }
  }
}

module.exports = {
  ScriptedServer,
  snapshot
};
