// node-postgres' Pool as a peer of tests/bench/pool_faults/run, which explains commands and answers.
//
//   node pg_peer.js URL CONNECTIONS TIMEOUT_SECONDS
'use strict';

const readline = require('readline');
const {setTimeout: pass} = require('timers/promises');
const {Pool} = require('pg');

const CALL = 'SELECT pg_sleep(0.002)';
const MOST_SAMPLES = 1_000_000;

const [url, connections, timeout] =
    [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const pool = new Pool({
  connectionString: url,
  max: connections,
  connectionTimeoutMillis: timeout * 1000,
  idleTimeoutMillis: 0,
});
pool.on('error', () => {});  // as documented: a client that fails while idle is dropped by the pool

// Opens all connections: borrows them at once and calls on each.
async function warm() {
  const clients = await Promise.all(Array.from({length: connections}, () => pool.connect()));
  await Promise.all(clients.map((client) => client.query(CALL)));
  clients.forEach((client) => client.release());
  return {};
}

// Calls of several loops, and how they ended.
class Load {
  constructor() {
    this.result = {calls: 0, failed: 0, longest_ms: 0};
    this.stopped = false;
    this.loops = [];
    this.marked = undefined;
  }

  start(loops, pauseMs) {
    const run = async () => {
      while (!this.stopped) {
        await this.callOnce();
        await pass(pauseMs);
      }
    };
    this.loops = Array.from({length: loops}, run);
  }

  async callOnce() {
    const begin = performance.now();
    const ok = await pool.query(CALL).then(() => true, () => false);
    const end = performance.now();
    this.result.calls += 1;
    this.result.failed += ok ? 0 : 1;
    this.result.longest_ms = Math.max(this.result.longest_ms, Math.round(end - begin));
    if (ok && this.marked !== undefined) this.result.first_ok_ms ??= Math.round(end - this.marked);
  }

  mark() {
    this.marked = performance.now();
  }

  async stop() {
    this.stopped = true;
    await Promise.all(this.loops);
    return this.result;
  }
}

async function cycle(loops, timeMs) {
  const samples = [];
  const end = process.hrtime.bigint() + BigInt(timeMs) * 1_000_000n;
  const run = async () => {
    let begin = process.hrtime.bigint();
    while (begin < end && samples.length < MOST_SAMPLES) {
      (await pool.connect()).release();
      const after = process.hrtime.bigint();
      samples.push(Number(after - begin));
      begin = after;
    }
  };
  await Promise.all(Array.from({length: loops}, run));
  samples.sort((a, b) => a - b);
  return {p50_ns: samples[samples.length >> 1]};
}

let load;

async function execute(command, numbers) {
  switch (command) {
    case 'warm':
      return warm().catch((error) => ({error: error.message}));
    case 'calls': {
      const calls = new Load();
      for (let i = 0; i < numbers[0]; ++i) await calls.callOnce();
      return calls.stop();
    }
    case 'start':
      load = new Load();
      load.start(...numbers);
      return {};
    case 'mark':
      load.mark();
      return {};
    case 'stop':
      return load.stop();
    case 'cycle':
      return cycle(...numbers);
    default:
      return {};
  }
}

async function main() {
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [command, ...numbers] = line.split(' ');
    console.log(JSON.stringify(await execute(command, numbers.map(Number))));
  }
  process.exit(0);
}

main();
