// The page of the dashboard in Chromium, against scripted data: every state, in words; failures of
// its server; dark, light, phone, keyboard, and what axe-core finds.
//
// Usage: NODE_PATH=<node_modules> node dashboard_page_test.js CHROMIUM PRINT_DASHBOARD_PAGE
// [--screenshots DIR]
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const {setTimeout: pass} = require('node:timers/promises');
const {launch, openPage, says, screenshot} = require('./browser.js');
const {ScriptedServer, snapshot} = require('./scripted_server.js');

const [chromium, printer, option, screenshots] = process.argv.slice(2);
assert.ok(option === undefined || (option === '--screenshots' && screenshots), 'unknown option');

const DOWN = {
  database: {status: 'down', since: '2026-11-26T07:29:48.000000Z', breaker: 'open'},
  pool: {
    total: 1,
    idle: 0,
    inUse: 0,
    validating: 0,
    connecting: 1,
    waiters: 3,
    generation: 3,
    slots: [{
      state: 'connecting',
      generation: 3,
      ageSeconds: null,
      inStateSeconds: 0.2,
      expiresInSeconds: null
    }],
  },
};
const CONNECTING = {
  ready: false,
  database: {status: 'connecting', since: null, breaker: 'half_open', lastError: null},
  pool: {total: 0, idle: 0, inUse: 0, validating: 0, slots: []},
  events: [],
};

// A snapshot for each poll, a second apart, with calls and now and then an error in between.
function traffic(changes = {}) {
  let i = 0;
  return () => {
    const next = snapshot(changes);
    ++i;
    next.sequence += i;
    next.uptimeSeconds += i;
    next.time = new Date(Date.parse(next.time) + i * 1000).toISOString();
    next.calls.forEach((call, k) => {
      call.total += Math.round([3, 5, 62, 2, 17][k] * (i + 2 * Math.sin(i / 9 + k)));
      call.errors += k < 2 ? Math.floor(i / (23 - 9 * k)) : 0;
    });
    const add = (histogram, bucket, times, seconds) => {
      histogram.buckets[bucket].count += times;
      histogram.count += times;
      histogram.sumSeconds += times * seconds;
    };
    add(next.acquire, 0, 80 * i, 0.00006);
    add(next.acquire, 2, 9 * i, 0.0004);
    add(next.hash, 7, 7 * i, 0.019);
    add(next.hash, 8, i, 0.03);
    return next;
  };
}

const text = (page, id) => page.locator(`#${id}`).innerText();
const cells = (page, table) => page.$$eval(
    `#${table} tbody tr`,
    (rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText)));

async function eventually(what, condition, limit = 10_000) {
  const end = performance.now() + limit;
  while (!await condition()) {
    assert.ok(performance.now() < end, `${what}: not within ${limit} ms`);
    await pass(20);
  }
}

const tests = {
  async 'says every state in words'({server, open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    assert.equal(await text(page, 'since'), '06:21:18 UTC, for 1h 08m');
    assert.equal(await text(page, 'breaker'), 'closed: calls are served');
    assert.equal(await text(page, 'fault'), 'lost, SQLSTATE 57P01 (ended by an administrator)');
    assert.equal(await text(page, 'ready'), 'ready');
    assert.equal(await page.title(), 'Database available · auth_server');
    const status = page.getByRole('status');
    assert.equal(await status.innerText(), 'Database available');
    assert.equal(await status.getAttribute('aria-live'), 'polite');

    server.answer(() => snapshot(DOWN));
    await says(page, 'headline', 'Database unavailable');
    assert.equal(await text(page, 'breaker'), 'open: calls are refused at once');
    assert.equal(await text(page, 'since'), '07:29:48 UTC, for 12 s');
    assert.equal(await page.title(), 'Database unavailable · auth_server');

    server.answer(() => snapshot(CONNECTING));
    await says(page, 'headline', 'Connecting to the database');
    assert.equal(await text(page, 'breaker'), 'half-open: one connect tries');
    assert.equal(await text(page, 'since'), 'not yet known');
    assert.equal(await text(page, 'fault'), 'none');
    assert.equal(await text(page, 'ready'), 'not ready');
    assert.deepEqual(await cells(page, 'slots'), [['No connection.']]);
    assert.ok(await page.getByText('None yet.').isVisible());

    server.answer(() => snapshot({pool: {inUse: 10, idle: 0, validating: 0, waiters: 4}}));
    await says(page, 'headline', 'Database available');
    assert.match(await status.innerText(), /Every connection is in use, and callers wait\./);
    server.answer(() => snapshot({ready: false}));
    await says(page, 'notice', 'This process is not ready.');
  },

  async 'shows every number beside its word'({open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    const numbers = await page.$$eval(
        '.numbers > div',
        (all) => Object.fromEntries(all.map((each) => each.innerText.split('\n'))));
    assert.deepEqual(numbers, {
      'max': '10',
      'in use': '2',
      'idle': '2',
      'connecting': '0',
      'validating': '1',
      'resetting': '0',
      'waiters': '0',
      'generation': '2',
    });
    assert.deepEqual(await cells(page, 'slots'), [
      ['1', 'in use', '0 s', '10m 12s', '19m 47s', '2'],
      ['2', 'in use', '0 s', '10m 04s', '19m 55s', '2'],
      ['3', 'validating', '0 s', '9m 58s', '20m 01s', '2'],
      ['4', 'idle', '3.2 s', '45 s', '1m 56s', '2'],
      ['5', 'idle', '30 s', '1h 06m', '–', '2'],
    ]);
    assert.deepEqual(
        await cells(page, 'workers'), [['hash', '2 / 2', '3'], ['store', '2 / 10', '0']]);
    assert.deepEqual((await cells(page, 'calls'))[2], ['ValidateSession', '', '–', '91,206', '12']);
    assert.equal(await text(page, 'version'), '0.1.0');
    assert.equal(await text(page, 'uptime'), '1h 08m');
    assert.equal(await text(page, 'sequence'), '17');
    assert.equal(await text(page, 'time'), '07:30:00 UTC');
    assert.equal(await page.locator('#capacity rect.in_use').count(), 2);
    assert.equal(await page.locator('#capacity rect').count(), 10);

    const rows = await page.$$eval(
        '#acquire > table tbody tr',
        (all) => all.map((row) => [...row.cells].map((cell) => cell.innerText)));
    assert.deepEqual(rows, [
      ['Last 2 min', '0', '–', '–', '–'], ['Since start', '12,931', '1.65 ms', '63 µs', '4.3 ms']
    ]);
    const bars = page.locator('#acquire svg');
    assert.equal(
        await bars.getAttribute('aria-label'),
        'Times to acquire a connection since the process started, in bars: 12,931 in all, ' +
            'most often (10,211 times) up to 100 µs');
    await page.locator('#acquire summary').click();
    const buckets = await page.locator('#acquire details tbody tr').allInnerTexts();
    assert.equal(buckets.length, 18);
    assert.deepEqual(
        [buckets[0], buckets[1], buckets[17]],
        ['up to 100 µs\t10,211', '100 µs to 250 µs\t1,604', 'more than 30 s\t0']);
  },

  async 'lists events, the newest first'({open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    const events = await page.locator('#events > li').allInnerTexts();
    assert.equal(events.length, 9);
    assert.match(events[0], /06:21:18 UTC.*In doubt × 2\s+A write was in doubt; it was replayed/s);
    assert.match(
        events[2],
        /Retry × 3\s+Retrying in 0\.5s SQLSTATE 57P03 \(server is starting or stopping\)/s);
    assert.match(
        events[8], /2026-11-25 23:58:02 UTC.*Leak\s+A connection has been lent for 1m 0s/s);
  },

  async 'takes rates from differences'({server, open}) {
    const {page} = await open();
    let total = 1000;
    let uptime = 50;
    let errors = 3;
    const next = () => snapshot({uptimeSeconds: uptime, calls: [{rpc: 'Register', total, errors}]});
    server.answer(() => {
      uptime += 2;
      total += 24;
      errors += 1;
      return next();
    });
    await says(page, 'calls-now', '12');
    await says(page, 'errors-now', '0.5');
    const [name, , perSecond, , newErrors] = (await cells(page, 'calls'))[0];
    assert.deepEqual([name, perSecond], ['Register', '12']);
    assert.match(newErrors, /^\d+ \(\+\d+\)$/);
    assert.match(
        await page.locator('#calls-trend').getAttribute('aria-label'),
        /^Calls a second over the last two minutes: now 12, at most 12$/);

    // A new process: its counters begin at 0, which is no rate of minus something.
    uptime = 1;
    total = 0;
    errors = 0;
    server.answer(next);
    await says(page, 'calls-now', '–');
  },

  async 'says that the server is unreachable'({server, open, expectComplaints}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    expectComplaints(/ERR_CONNECTION|ERR_EMPTY_RESPONSE|status of 503|SyntaxError|TypeError/);

    server.closeConnections();
    await says(page, 'headline', 'Server unreachable');
    assert.match(
        await text(page, 'age'),
        /^It does not answer\. The last data is [\d.]+ s old: “Database available”\.$/);
    await eventually(
        'the age grows', async () => /is [3-9](\.\d)? s old/.test(await text(page, 'age')));
    assert.equal(await page.getByRole('status').innerText(), 'Server unreachable');
    await screenshot(page, screenshots, 'unreachable');

    server.answerStatus(503);
    await eventually(
        '503', async () => (await text(page, 'age')).startsWith('It answers with HTTP 503.'));
    server.answerText('<html>');
    await eventually(
        'nonsense', async () => (await text(page, 'age')).startsWith('Its answer cannot be read.'));
    server.answerText('{}');
    await pass(1500);
    assert.equal(await text(page, 'headline'), 'Server unreachable');

    server.answer();
    await says(page, 'headline', 'Database available');
    assert.equal(await page.locator('#age').isVisible(), false);

    server.neverAnswer();
    const asked = server.polls().length;
    await eventually('it asks again', () => server.polls().length > asked);
    const {at} = server.polls()[asked];
    await says(page, 'headline', 'Server unreachable');
    const took = performance.now() - at;
    assert.ok(took > 2900 && took < 6000, `${took} ms`);
    assert.match(await text(page, 'age'), /^No answer within 3 s\./);
    server.answer();
    await says(page, 'headline', 'Database available');
  },

  async 'is unreachable before the first data'({server, open, expectComplaints}) {
    expectComplaints(/ERR_CONNECTION|ERR_EMPTY_RESPONSE/);
    server.closeConnections();
    const {page} = await open();
    await says(page, 'headline', 'Server unreachable');
    assert.equal(await text(page, 'age'), 'It does not answer. There has been no data yet.');
  },

  async 'polls each second, one request at a time'({server, open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    const before = server.polls().length;
    await eventually('five polls', () => server.polls().length >= before + 5, 15_000);
    const times = server.polls().slice(-6).map(({at}) => at);
    const mean = (times[5] - times[0]) / 5;
    assert.ok(mean > 950 && mean < 1500, `${mean} ms`);

    server.answer(() => snapshot(), 1700);
    const slow = server.polls().length;
    await eventually('three slow polls', () => server.polls().length >= slow + 3, 15_000);
    assert.equal(server.mostAtOnce, 1);
    assert.equal(await text(page, 'headline'), 'Database available');
  },

  async 'rests while nobody looks, or nobody wants it'({server, open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    const hide = (hidden) => page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', {value, configurable: true});
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);

    await hide(true);
    await pass(200);  // what was under way has come
    let before = server.polls().length;
    await pass(2500);
    assert.equal(server.polls().length, before);
    server.answer(() => snapshot(DOWN));
    await hide(false);
    await says(page, 'headline', 'Database unavailable');

    await page.getByRole('button', {name: 'Pause updates'}).click();
    await pass(200);
    before = server.polls().length;
    server.answer();
    await pass(2500);
    assert.equal(server.polls().length, before);
    assert.equal(await text(page, 'live'), 'Paused');
    assert.match(await text(page, 'age'), /^Updates are paused: this was so [\d.]+ s ago\.$/);
    await hide(true);
    await hide(false);
    await pass(500);
    assert.equal(server.polls().length, before, 'being seen is no reason to go on');
    await page.getByRole('button', {name: 'Resume updates'}).click();
    await says(page, 'headline', 'Database available');
    assert.equal(await text(page, 'live'), 'Live');
  },

  async 'runs nothing that comes with the data'({server, open, expectComplaints}) {
    const {page} = await open();
    const markup = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    server.answer(() => snapshot({
                    version: markup,
                    calls: [{rpc: markup, total: 1, errors: 0}],
                    events: [{
                      time: '2026-11-26T07:29:00Z',
                      kind: markup,
                      message: markup,
                      sqlstate: markup,
                      count: 1
                    }],
                  }));
    await says(page, 'version', markup);
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.locator('#events .message > span').innerText(), markup);

    // And could not if it did: the policy stops scripts, handlers, styles and requests to others.
    expectComplaints(/Content Security Policy/);
    const violations = await page.evaluate(async () => {
      const seen = new Set();
      document.addEventListener(
          'securitypolicyviolation', (event) => seen.add(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      const box = document.createElement('div');
      box.innerHTML =
          '<p style="color:red" onclick="window.ran = true"></p><form action="/x"></form>';
      document.body.append(box);
      box.querySelector('p').click();
      await fetch('http://127.0.0.2:9/').catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 200));
      return {seen: [...seen].sort(), ran: window.ran ?? false};
    });
    assert.deepEqual(violations, {
      seen: ['connect-src', 'script-src-attr', 'script-src-elem', 'style-src-attr'],
      ran: false
    });
  },

  async 'is reached by keyboard'({open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    const stops = [];
    for (let i = 0; i < 6; ++i) {
      await page.keyboard.press('Tab');
      stops.push(await page.evaluate(() => {
        const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
        const box = document.activeElement.getBoundingClientRect();
        const name = document.activeElement.getAttribute('aria-label') ??
            document.activeElement.innerText.trim();
        return {
          name,
          visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && box.top >= 0
        };
      }));
    }
    assert.deepEqual(stops.map(({name}) => name), [
      'Skip to the state of the database',
      'Pause updates',
      'All slots',
      'All recent events',
      'The bars as a table',
      'The bars as a table',
    ]);
    assert.ok(stops.every(({visible}) => visible), JSON.stringify(stops));

    await page.keyboard.press('Enter');
    assert.ok(await page.locator('#hash details tbody').isVisible());
    await page.goto(page.url());
    await says(page, 'headline', 'Database available');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Space');
    await says(page, 'live', 'Paused');
  },

  async 'keeps what the reader has selected and scrolled'({server, open}) {
    const {page} = await open({viewport: {width: 360, height: 740}});
    server.answer(traffic());
    await says(page, 'headline', 'Database available');
    await page.evaluate(() => {
      document.querySelector('#events').parentElement.scrollTop = 40;
      getSelection().selectAllChildren(document.querySelector('#events li .message span'));
    });
    const sequence = Number(await text(page, 'sequence'));
    await eventually(
        'two more polls', async () => Number(await text(page, 'sequence')) >= sequence + 2);
    assert.equal(
        await page.evaluate(() => document.querySelector('#events').parentElement.scrollTop), 40);
    assert.equal(
        await page.evaluate(() => String(getSelection())), 'A write was in doubt; it was replayed');
  },

  async 'has headings, landmarks and words for pictures'({open}) {
    const {page} = await open();
    await says(page, 'headline', 'Database available');
    const outline = await page.$$eval(
        'h1, h2, h3', (all) => all.map((each) => `${each.tagName} ${each.innerText}`));
    assert.deepEqual(outline, [
      'H1 Database connection pool',
      'H2 State',
      'H2 Connections',
      'H2 Slots',
      'H2 Calls',
      'H2 Workers',
      'H2 Recent events',
      'H2 Time to acquire a connection',
      'H2 Time to hash a password',
    ]);
    for (const role of ['banner', 'main', 'contentinfo'])
      assert.equal(await page.getByRole(role).count(), 1, role);
    assert.deepEqual(
        await page.$$eval(
            'svg',
            (all) =>
                all.filter(
                       (svg) => svg.getAttribute('aria-hidden') !== 'true' &&
                           !(svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label')))
                    .length),
        0);
    assert.deepEqual(
        await page.$$eval(
            'table', (all) => all.filter((table) => !table.caption?.textContent).length),
        0);
  },

  async 'lies still for those who ask for it'({open}) {
    const moving = (page) => page.evaluate(() => document.getAnimations().length);
    const {page} = await open({reducedMotion: 'reduce'});
    await says(page, 'headline', 'Database available');
    assert.equal(await moving(page), 0);
    const {page: other} = await open({reducedMotion: 'no-preference'});
    await says(other, 'headline', 'Database available');
    assert.ok(await moving(other) > 0);
  },
};

// Every state in every scheme and width: nothing sticks out, and axe-core finds nothing.
const STATES = {
  up: {},
  down: DOWN,
  connecting: CONNECTING
};
const LOOKS = {
  light: {colorScheme: 'light'},
  dark: {colorScheme: 'dark'},
  phone: {colorScheme: 'light', viewport: {width: 360, height: 740}, deviceScaleFactor: 2},
  'phone-dark': {colorScheme: 'dark', viewport: {width: 360, height: 740}, deviceScaleFactor: 2},
};
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

async function expectAccessible(page) {
  const violations = await page.evaluate(`${AXE}; axe.run().then((found) => found.violations)`);
  assert.deepEqual(
      violations.map(
          ({id, nodes}) =>
              ({id, nodes: nodes.map(({html, failureSummary}) => `${html}: ${failureSummary}`)})),
      []);
}

for (const [look, options] of Object.entries(LOOKS)) {
  tests[`fits and is accessible: ${look}`] = async ({server, open, expectComplaints}) => {
    const {page} = await open(options);
    const expectGood = async () => {
      assert.deepEqual(
          await page.evaluate(() => {
            if (document.scrollingElement.scrollWidth <= innerWidth) return [];
            return [...document.querySelectorAll('body *')]
                .filter((each) => each.getBoundingClientRect().right > innerWidth)
                .map((each) => each.outerHTML.slice(0, 120));
          }),
          [], 'too wide');
      await expectAccessible(page);
    };
    for (const [state, changes] of Object.entries(STATES)) {
      server.answer(traffic(changes));
      await says(page, 'headline', {
        up: 'Database available',
        down: 'Database unavailable',
        connecting: 'Connecting to the database',
      }[state]);
      await expectGood();
    }
    // As wide as data can get.
    server.answer(() => snapshot({
                    version: '10.20.30-rc.1+0123456789abcdef0123456789abcdef01234567',
                    pool: {max: 400, generation: 123456789},
                    calls: [{rpc: 'ListAndValidateAllSessionsOfAUser', total: 1e12, errors: 1e11}],
                    events: [{
                      time: '2026-11-25T07:00:00Z',
                      kind: 'a_kind_that_this_page_does_not_know',
                      message: 'x'.repeat(400),
                      sqlstate: 'XX000',
                      count: 1e6
                    }],
                  }));
    await says(page, 'max', '400');
    await expectGood();
    expectComplaints(/ERR_CONNECTION|ERR_EMPTY_RESPONSE/);
    server.closeConnections();
    await says(page, 'headline', 'Server unreachable');
    await expectGood();
  };
}

// Two minutes of traffic pass in a moment, by the page's clock.
async function takeScreenshots(server, open) {
  const shots = [
    ...Object.entries(LOOKS).map(([look, options]) => [look, options, {}]),
    ['down', LOOKS.light, DOWN]
  ];
  for (const [name, options, changes] of shots) {
    const {page} = await open({reducedMotion: 'reduce', ...options});
    await page.clock.install();
    server.answer(traffic(changes));
    await page.goto(page.url());
    for (let i = 0; i < 121; ++i) {
      const before = server.polls().length;
      await page.clock.runFor(1000);
      await eventually('a poll', () => server.polls().length > before);
    }
    await screenshot(page, screenshots, name);
    await screenshot(page, screenshots, `${name}-whole`, {fullPage: true});
  }
}

// Gives a test a server and pages; fails if a page complained, or asked somebody else for anything.
async function run(browser, test) {
  const server = new ScriptedServer(printer);
  await server.start();
  const opened = [];
  let expected = null;
  const open = async (options) => {
    const each = await openPage(browser, options);
    opened.push(each);
    await each.page.goto(`${server.origin}/dashboard`);
    return each;
  };
  try {
    await test({
      server,
      open,
      expectComplaints: (pattern) => {
        expected = pattern;
      }
    });
    for (const {complaints, requests} of opened) {
      assert.deepEqual(complaints.filter((each) => !expected?.test(each)), []);
      const mine = [`${server.origin}/dashboard`, `${server.origin}/dashboard/snapshot`];
      const others =
          requests.filter((url) => !mine.includes(url.split('#')[0]) && !url.startsWith('data:'));
      assert.deepEqual(others.filter((url) => url !== 'http://127.0.0.2:9/'), []);
    }
    assert.ok(
        server.requests.every(({path}) => ['/dashboard', '/dashboard/snapshot'].includes(path)));
  } finally {
    await Promise.all(opened.map((each) => each.close()));
    await server.stop();
  }
}

async function main() {
  const browser = await launch(chromium);
  try {
    for (const [name, test] of Object.entries(tests)) {
      const started = performance.now();
      try {
        await run(browser, test);
        console.log(`the page ${name}: ok, ${Math.round(performance.now() - started)} ms`);
      } catch (error) {
        process.exitCode = 1;
        console.error(`the page ${name}:`, error);
      }
    }
    if (screenshots) await run(browser, ({server, open}) => takeScreenshots(server, open));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
