// The dashboard of a real auth_server in Chromium: a registration moves its numbers, and when
// PostgreSQL stops and returns, the page says so.
//
// Usage: NODE_PATH=<node_modules> node dashboard_live_test.js CHROMIUM OPS_HOST:PORT GRPC_HOST:PORT
//            POSTGRES_DATA_DIR PROTO_DIR [--screenshots DIR]
'use strict';

const assert = require('node:assert/strict');
const {spawn} = require('node:child_process');
const {randomUUID} = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const {setTimeout: pass} = require('node:timers/promises');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const {launch, openPage, says, screenshot} = require('./browser.js');

const [chromium, ops, address, data, protos, option, screenshots] = process.argv.slice(2);
assert.ok(option === undefined || (option === '--screenshots' && screenshots), 'unknown option');

const NOTICED_MS = 2000;

const {auth} = grpc.loadPackageDefinition(
    protoLoader.loadSync('auth/v1/auth_service.proto', {includeDirs: [protos], keepCase: true}));
const stub = new auth.v1.AuthService(address, grpc.credentials.createInsecure());

function register() {
  const request = {
    email: `dashboard.${randomUUID()}@example.com`,
    password: 'violet-Tundra-47-kettle'
  };
  return new Promise((resolve, reject) => {
    stub.Register(
        request, {deadline: Date.now() + 14_000},
        (error, response) => (error ? reject(error) : resolve(response)));
  });
}

// The server's PostgreSQL, by what its postmaster says of itself.
class Postmaster {
  #pid() {
    return Number(fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  // Ends its sessions at once; returns when it is gone.
  async stop() {
    const pid = this.#pid();
    const isThere = () => fs.existsSync(path.join(data, 'postmaster.pid'));
    process.kill(pid, 'SIGINT');
    while (isThere()) await pass(10);
  }

  // As it was started before; as root it is run by whom its files belong to. We are its parent now.
  start() {
    const [program, ...options] = fs.readFileSync(path.join(data, 'postmaster.opts'), 'utf8')
                                      .trim()
                                      .split(/\s+(?=")/)
                                      .map((word) => word.replace(/^"|"$/g, ''));
    const {uid, gid} = fs.statSync(data);
    const identity = process.getuid() === 0 ? {uid, gid} : {};
    this.process =
        spawn(program, options, {cwd: data, env: {LC_ALL: 'C'}, stdio: 'ignore', ...identity});
  }

  async end() {
    if (!this.process || this.process.exitCode !== null) return;
    const exited = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGINT');
    await exited;
  }
}

async function numbers(page) {
  return page.evaluate(() => {
    const number = (text) => Number(text.replaceAll(',', ''));
    const calls = [...document.querySelectorAll('#calls tbody tr')].map(
        (row) => [row.cells[0].innerText, number(row.cells[3].innerText)]);
    return {
      calls: Object.fromEntries(calls),
      acquires: number(document.querySelector('#acquire tbody tr:last-child td').innerText),
      hashes: number(document.querySelector('#hash tbody tr:last-child td').innerText),
    };
  });
}

// Notes, by the page's clock, when the headline changes.
const watchHeadline = (page) => page.evaluate(() => {
  const headline = document.getElementById('headline');
  window.headlines = [];
  new MutationObserver(
      () => window.headlines.push({text: headline.textContent, at: performance.now()}))
      .observe(headline, {childList: true, characterData: true, subtree: true});
});

async function main() {
  const browser = await launch(chromium);
  const postmaster = new Postmaster();
  try {
    const {page, complaints} = await openPage(browser);
    await page.goto(`http://${ops}/dashboard`);
    await says(page, 'headline', 'Database available');
    assert.equal(await page.locator('#ready').innerText(), 'ready');
    const before = await numbers(page);

    const registered = await register();
    assert.ok(registered.user.id);
    await page.waitForFunction(
        (total) => [...document.querySelectorAll('#calls tbody tr')].some(
            (row) =>
                row.cells[0].innerText === 'Register' && Number(row.cells[3].innerText) === total),
        before.calls.Register + 1);
    const after = await numbers(page);
    assert.equal(after.hashes, before.hashes + 1);
    assert.ok(after.acquires > before.acquires);
    assert.match(await page.locator('#max').innerText(), /^10$/);
    assert.ok(await page.locator('#slots tbody tr').count() >= 1);

    await watchHeadline(page);
    const stopped = await page.evaluate(() => performance.now());
    const gone = postmaster.stop();
    await says(page, 'headline', 'Database unavailable');
    const noticed = (await page.evaluate(() => window.headlines))
                        .find(({text}) => text === 'Database unavailable')
                        .at -
        stopped;
    console.log(
        `"Database unavailable" ${Math.round(noticed)} ms after PostgreSQL was told to stop`);
    assert.ok(noticed <= NOTICED_MS, `${noticed} ms`);
    await gone;
    await screenshot(page, screenshots, 'live-down');

    const started = await page.evaluate(() => performance.now());
    postmaster.start();
    await says(page, 'headline', 'Database available', 30_000);
    const returned = (await page.evaluate(() => window.headlines))
                         .findLast(({text}) => text === 'Database available')
                         .at -
        started;
    console.log(`"Database available" ${Math.round(returned)} ms after PostgreSQL was started`);
    await register();
    assert.ok(await page.locator('#events > li').count() >= 1);
    await screenshot(page, screenshots, 'live-restored', {fullPage: true});
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
    stub.close();
    await postmaster.end();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
