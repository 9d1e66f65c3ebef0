'use strict';
// Polls dashboard/snapshot each second and shows it. What comes from the server is inserted as text
// only. Ages and rates are taken from the server's clock, so that this machine's does not matter.
(() => {
  const POLL_MS = 1000;
  const TIMEOUT_MS = 3000;
  const NO_ANSWER = 'It does not answer.';
  const UNREADABLE = 'Its answer cannot be read.';
  const TREND_SECONDS = 120;
  // Polls further apart than this (a hidden tab) leave a gap in a trend.
  const GAP_SECONDS = 5;

  const HEADLINES = {
    up: ['ok', 'Database available'],
    down: ['bad', 'Database unavailable'],
    connecting: ['wait', 'Connecting to the database'],
  };
  const BREAKER = {
    closed: 'closed: calls are served',
    open: 'open: calls are refused at once',
    half_open: 'half-open: one connect tries',
  };
  const SLOT_STATES = {
    in_use: ['in_use', 'in use'],
    idle: ['idle', 'idle'],
    connecting: ['busy', 'connecting'],
    validating: ['busy', 'validating'],
    resetting: ['busy', 'resetting'],
  };
  const EVENT_KINDS = {
    recreated: ['', 'Pool recreated'],
    connect_failed: ['bad', 'Connect failed'],
    retry: ['warn', 'Retry'],
    in_doubt: ['warn', 'In doubt'],
    breaker: ['warn', 'Breaker'],
    database: ['', 'Database'],
    leak: ['bad', 'Leak'],
    connection_lost: ['bad', 'Connection lost'],
  };
  const SQLSTATES = {
    '08001': 'cannot connect',
    '08006': 'connection failure',
    '08P01': 'protocol violation',
    '25006': 'read-only server',
    '28P01': 'wrong password',
    '3D000': 'no such database',
    '40001': 'serialization failure',
    '40P01': 'deadlock',
    '53300': 'too many connections',
    '55P03': 'lock not available',
    '57014': 'statement canceled',
    '57P01': 'ended by an administrator',
    '57P02': 'server crash',
    '57P03': 'server is starting or stopping',
    '57P05': 'idle session timeout',
  };
  const FAVICONS = {
    ok: ['#0a6b3d', 'M9 16.5l5 5 9-11'],
    bad: ['#b3181f', 'M16 7v11M16 24v.5'],
    wait: ['#7d4e00', 'M9 16h.5M16 16h.5M23 16h.5'],
    gone: ['#3a4452', 'M10 10l12 12M22 10 10 22'],
  };

  const byId = (id) => document.getElementById(id);

  // ---- writing into the page; nothing is touched that has not changed

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function setClass(node, name) {
    if (node.className !== name) node.className = name;
  }

  function make(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  }

  function makeSvg(tag, attributes) {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  // Leaves exactly one child for each item; `fill` writes an item into the child that `create`
  // made.
  function sync(parent, items, create, fill) {
    while (parent.children.length > items.length) parent.lastElementChild.remove();
    items.forEach((item, i) => {
      if (i === parent.children.length) parent.append(create());
      fill(parent.children[i], item, i);
    });
  }

  // A function that makes a row with a cell of each of these classes; the one marked with * is its
  // header.
  function makeRow(...classes) {
    return () => make('tr', '', ...classes.map((name) => {
             if (!name.startsWith('*')) return make('td', name);
             const header = make('th', name.slice(1));
             header.scope = 'row';
             return header;
           }));
  }

  const widthOf = (svg) => Math.max(60, Math.round(svg.getBoundingClientRect().width));

  // ---- words for numbers

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return 'unknown';
    if (seconds <= 0) return '0 s';
    if (seconds < 0.001) return `${Number((seconds * 1e6).toPrecision(3))} µs`;
    if (seconds < 1) return `${Number((seconds * 1e3).toPrecision(3))} ms`;
    return span(seconds);
  }

  // Without more digits than one can read while they change.
  function span(seconds) {
    if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    const two = (n) => String(Math.floor(n)).padStart(2, '0');
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ${two((seconds % 3600) / 60)}m`;
    return `${Math.floor(seconds / 86400)}d ${two((seconds % 86400) / 3600)}h`;
  }

  const spanOrDash = (seconds) => (seconds === null ? '–' : span(Math.max(0, seconds)));
  const count = (n) => n.toLocaleString('en-US');

  function rate(perSecond) {
    if (perSecond === null) return '–';
    return perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond));
  }

  const secondsBetween = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

  // "07:30:00", with the date if that is not today's.
  function timeOfDay(time, today) {
    const [date, clock] = new Date(time).toISOString().split('T');
    const seconds = clock.slice(0, 8);
    return date === new Date(today).toISOString().split('T')[0] ? seconds : `${date} ${seconds}`;
  }

  function sqlstate(code) {
    return SQLSTATES[code] ? `SQLSTATE ${code} (${SQLSTATES[code]})` : `SQLSTATE ${code}`;
  }

  // ---- what is known

  let snapshot = null;
  let arrived = 0;       // performance.now() of the snapshot
  let link = 'waiting';  // waiting, live, unreachable
  let paused = false;
  let whyUnreachable = '';
  // Of the last two minutes, oldest first: {at, calls: Map(rpc → {total, errors}), acquire, hash}.
  let history = [];

  function remember(next) {
    // Counters of another process say nothing about this one's.
    if (snapshot && next.uptimeSeconds < snapshot.uptimeSeconds) history = [];
    history.push({
      at: next.uptimeSeconds,
      calls: new Map(next.calls.map((each) => [each.rpc, each])),
      acquire: next.acquire,
      hash: next.hash,
    });
    while (history[0].at < next.uptimeSeconds - TREND_SECONDS) history.shift();
  }

  // [{at, perSecond, gap}] of a counter that `read` finds in an entry of the history.
  function rates(read) {
    const points = [];
    for (let i = 1; i < history.length; ++i) {
      const took = history[i].at - history[i - 1].at;
      if (took <= 0) continue;
      const rise = Math.max(0, read(history[i]) - read(history[i - 1]));
      points.push({at: history[i].at, perSecond: rise / took, gap: took > GAP_SECONDS});
    }
    return points;
  }

  const counterOf = (rpc, field) => (entry) => entry.calls.get(rpc)?.[field] ?? 0;

  function counterOfAll(field) {
    return (entry) => {
      let sum = 0;
      for (const each of entry.calls.values()) sum += each[field];
      return sum;
    };
  }

  // ---- the state

  function show(tone, headline, notice) {
    const state = byId('state');
    if (state.dataset.tone !== tone || !byId('favicon').href.includes('svg')) {
      state.dataset.tone = tone;
      const [colour, path] = FAVICONS[tone];
      byId('favicon').href =
          'data:image/svg+xml,' +
          encodeURIComponent(
              '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
              `<circle cx="16" cy="16" r="16" fill="${colour}"/><path d="${path}" fill="none" ` +
              'stroke="#fff" stroke-width="4" stroke-linecap="round"/></svg>');
    }
    setText(byId('headline'), headline);
    setText(byId('notice'), notice);
    byId('notice').hidden = notice === '';
    if (document.title !== `${headline} · auth_server`)
      document.title = `${headline} · auth_server`;
  }

  function renderState() {
    if (link === 'unreachable') {
      show('gone', 'Server unreachable', '');
    } else if (snapshot) {
      const {status} = snapshot.database;
      const [tone, headline] = HEADLINES[status] ?? ['wait', `Database: ${status}`];
      const {waiters, inUse, max} = snapshot.pool;
      let notice = '';
      if (!snapshot.ready && status === 'up')
        notice = 'This process is not ready.';
      else if (waiters > 0 && inUse >= max)
        notice = 'Every connection is in use, and callers wait.';
      show(tone, headline, notice);
    }
    byId('data').classList.toggle('stale', snapshot !== null && (paused || link !== 'live'));
    renderAge();
  }

  // Apart from the rest, because it changes while no data comes.
  function renderAge() {
    const old = snapshot ? (performance.now() - arrived) / 1000 : null;
    let words = '';
    if (paused) {
      words = old === null ? 'Updates are paused.' :
                             `Updates are paused: this was so ${span(old)} ago.`;
    } else if (link === 'unreachable') {
      const before = HEADLINES[snapshot?.database.status]?.[1];
      words = old === null ?
          `${whyUnreachable} There has been no data yet.` :
          `${whyUnreachable} The last data is ${span(old)} old` + (before ? `: “${before}”.` : '.');
    }
    setText(byId('age'), words);
    byId('age').hidden = words === '';
    byId('live').dataset.link = paused ? 'paused' : link;
    let live = 'Live';
    if (paused)
      live = 'Paused';
    else if (old === null)
      live = 'No data yet';
    else if (link === 'unreachable' || old > 1.8)
      live = `Last data ${span(old)} ago`;
    setText(byId('live-text'), live);
  }

  function renderFacts({time, database, ready, version, uptimeSeconds, sequence}) {
    const {since, breaker, lastError} = database;
    setText(
        byId('since'),
        since === null ? 'not yet known' :
                         `${timeOfDay(since, time)} UTC, for ${span(secondsBetween(since, time))}`);
    setText(byId('breaker'), BREAKER[breaker] ?? breaker);
    setText(
        byId('fault'),
        lastError === null ?
            'none' :
            lastError.class + (lastError.sqlstate ? `, ${sqlstate(lastError.sqlstate)}` : ''));
    setText(byId('ready'), ready ? 'ready' : 'not ready');
    setText(byId('version'), version);
    setText(byId('uptime'), span(uptimeSeconds));
    setText(byId('sequence'), String(sequence));
    setText(byId('time'), `${timeOfDay(time, time)} UTC`);
  }

  // ---- connections

  function renderPool(pool) {
    for (const name
             of ['max', 'inUse', 'idle', 'connecting', 'validating', 'resetting', 'waiters',
                 'generation']) {
      setText(byId(name), String(pool[name]));
    }
    setClass(byId('waiters'), pool.waiters > 0 ? 'alarm' : '');

    const busy = pool.connecting + pool.validating + pool.resetting;
    const places = Math.max(pool.max, pool.inUse + pool.idle + busy, 1);
    const kinds = Array.from({length: places}, (_, i) => {
      if (i < pool.inUse) return 'in_use';
      if (i < pool.inUse + busy) return 'busy';
      return i < pool.inUse + busy + pool.idle ? 'idle' : 'free';
    });
    const svg = byId('capacity');
    const pitch = widthOf(svg) / places;
    const gap = pitch > 10 ? 4 : pitch > 4 ? 1 : 0;
    sync(svg, kinds, () => makeSvg('rect', {y: 1, height: 30}), (rect, kind, i) => {
      rect.setAttribute('class', kind);
      rect.setAttribute('x', (i * pitch + 0.5).toFixed(2));
      rect.setAttribute('width', Math.max(0.5, pitch - gap - (gap > 0 ? 1 : 0)).toFixed(2));
      rect.setAttribute('rx', gap > 1 ? 4 : 0);
    });
  }

  function renderSlots({slots}) {
    const body = byId('slots').tBodies[0];
    if (slots.length === 0) {
      const cell = make('td', 'muted', 'No connection.');
      cell.colSpan = 6;
      body.replaceChildren(make('tr', 'none', cell));
      return;
    }
    if (body.querySelector('.none')) body.replaceChildren();
    const create = makeRow('muted wide', '*state-name', 'number', 'number', 'number', 'number');
    sync(body, slots, create, (row, slot, i) => {
      const [kind, words] = SLOT_STATES[slot.state] ?? ['busy', slot.state];
      const [number, state, inState, age, expires, generation] = row.cells;
      setText(number, String(i + 1));
      if (!state.firstChild) {
        const swatch = make('span');
        swatch.setAttribute('aria-hidden', 'true');
        state.append(swatch, make('span'));
      }
      setClass(state.firstChild, `swatch ${kind}`);
      setText(state.lastChild, words);
      setText(inState, spanOrDash(slot.inStateSeconds));
      setText(age, spanOrDash(slot.ageSeconds));
      setText(expires, spanOrDash(slot.expiresInSeconds));
      setText(generation, String(slot.generation));
    });
  }

  function renderWorkers(workers) {
    sync(byId('workers').tBodies[0], workers, makeRow('*', 'number', 'number'), (row, worker) => {
      setText(row.cells[0], worker.name);
      setText(row.cells[1], `${worker.running} / ${worker.threads}`);
      setText(row.cells[2], count(worker.queued));
    });
  }

  // ---- calls

  const newest = (points) => (points.length ? points[points.length - 1].perSecond : null);
  const highest = (points) => Math.max(0, ...points.map((point) => point.perSecond));

  function renderTrend(svg, points) {
    const peak = Math.max(1, highest(points));
    const width = widthOf(svg);
    const height = Number(svg.getAttribute('height'));
    const now = history[history.length - 1].at;
    const x = (at) => (width * (1 - (now - at) / TREND_SECONDS)).toFixed(1);
    const y = (perSecond) => (height - 1 - (height - 4) * perSecond / peak).toFixed(1);
    // One run of points for each stretch without a gap.
    const runs = [];
    for (const point of points) {
      if (point.gap || runs.length === 0) runs.push([]);
      if (!point.gap) runs[runs.length - 1].push(`${x(point.at)} ${y(point.perSecond)}`);
    }
    const drawn = runs.filter((run) => run.length > 0);
    const foot = height - 1;
    if (!svg.firstChild) {
      svg.append(
          makeSvg('path', {class: 'floor'}), makeSvg('path', {class: 'area'}),
          makeSvg('path', {class: 'line'}));
    }
    const [floor, area, line] = svg.children;
    floor.setAttribute('d', `M0 ${foot}.5H${width}`);
    area.setAttribute(
        'd',
        drawn
            .map(
                (run) => `M${run[0].split(' ')[0]} ${foot}L${run.join('L')}` +
                    `L${run[run.length - 1].split(' ')[0]} ${foot}Z`)
            .join(''));
    line.setAttribute(
        'd', drawn.map((run) => `M${run.join('L')}${run.length === 1 ? 'h.1' : ''}`).join(''));
  }

  // Of all calls together, with words.
  function renderTotal(id, field, what) {
    const points = rates(counterOfAll(field));
    const now = rate(newest(points));
    setText(byId(`${id}-now`), now);
    const svg = byId(`${id}-trend`);
    renderTrend(svg, points);
    svg.setAttribute(
        'aria-label',
        `${what} a second over the last two minutes: ` +
            `${now === '–' ? 'not yet known' : `now ${now}`}, at most ${rate(highest(points))}`);
  }

  function renderCalls(calls) {
    renderTotal('calls', 'total', 'Calls');
    renderTotal('errors', 'errors', 'Errors');
    const create = makeRow('*', 'wide', 'number', 'number', 'number');
    sync(byId('calls').tBodies[0], calls, create, (row, call) => {
      const [name, trend, perSecond, total, errors] = row.cells;
      setText(name, call.rpc);
      if (!trend.firstChild) {
        trend.append(makeSvg(
            'svg', {class: 'trend', height: 20, 'aria-hidden': 'true', focusable: 'false'}));
      }
      const points = rates(counterOf(call.rpc, 'total'));
      renderTrend(trend.firstChild, points);
      setText(perSecond, rate(newest(points)));
      setText(total, count(call.total));
      const recent = call.errors - counterOf(call.rpc, 'errors')(history[0]);
      setText(
          errors, recent > 0 ? `${count(call.errors)} (+${count(recent)})` : count(call.errors));
      setClass(errors, recent > 0 ? 'number alarm' : 'number');
    });
  }

  // ---- durations

  function difference(now, before) {
    return {
      count: now.count - before.count,
      sumSeconds: now.sumSeconds - before.sumSeconds,
      buckets: now.buckets.map((bucket, i) => ({
                                 upToSeconds: bucket.upToSeconds,
                                 count: bucket.count - (before.buckets[i]?.count ?? 0),
                               })),
    };
  }

  // Evenly spread within a bucket; the last has no end.
  function quantile({buckets}, share) {
    const all = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    if (all === 0) return '–';
    let below = 0;
    let from = 0;
    for (const {upToSeconds, count: here} of buckets) {
      if (here > 0 && below + here >= share * all) {
        if (upToSeconds === null) return `> ${duration(from)}`;
        const estimate = from + (upToSeconds - from) * (share * all - below) / here;
        return duration(Number(estimate.toPrecision(2)));
      }
      below += here;
      from = upToSeconds ?? from;
    }
    return '–';
  }

  const range = (buckets, i) => {
    const from = i === 0 ? 0 : buckets[i - 1].upToSeconds;
    const {upToSeconds} = buckets[i];
    if (upToSeconds === null) return `more than ${duration(from)}`;
    return i === 0 ? `up to ${duration(upToSeconds)}` :
                     `${duration(from)} to ${duration(upToSeconds)}`;
  };

  function renderBars(svg, {buckets, count: all}, what) {
    const width = widthOf(svg);
    const pitch = width / buckets.length;
    const top = 110;
    const most = Math.max(1, ...buckets.map((bucket) => bucket.count));
    if (!svg.firstChild)
      svg.append(makeSvg('g', {}), makeSvg('path', {class: 'floor'}), makeSvg('g', {}));
    const [bars, floor, labels] = svg.children;
    sync(bars, buckets, () => makeSvg('rect', {rx: 2}), (rect, bucket, i) => {
      const height = bucket.count === 0 ? 0 : Math.max(3, (top - 4) * bucket.count / most);
      rect.setAttribute('x', (i * pitch + 1).toFixed(1));
      rect.setAttribute('width', Math.max(1, pitch - 2).toFixed(1));
      rect.setAttribute('y', (top - height).toFixed(1));
      rect.setAttribute('height', height.toFixed(1));
    });
    floor.setAttribute('d', `M0 ${top}.5H${width}`);
    // At the right end of a bar; as many as there is room for.
    const every = Math.ceil(52 / pitch);
    const marked =
        buckets.map((_, i) => i).filter((i) => i % every === every - 1 && i < buckets.length - 1);
    sync(labels, marked, () => makeSvg('text', {y: top + 17}), (label, i) => {
      label.setAttribute('x', ((i + 1) * pitch).toFixed(1));
      setText(label, duration(buckets[i].upToSeconds));
    });
    const mode = buckets.findIndex((bucket) => bucket.count === most);
    svg.setAttribute(
        'aria-label',
        `${what} since the process started, in bars: ` +
            (mode < 0 ? 'none yet' :
                        `${count(all)} in all, most often (${count(most)} times) ${
                            range(buckets, mode)}`));
  }

  function renderHistogram(name, what, histogram) {
    const card = byId(name);
    if (!card.querySelector('svg')) {
      card.append(byId('histogram').content.cloneNode(true));
      const [summary, bars] = card.querySelectorAll('caption');
      setText(summary, `${what}: count, mean and quantiles`);
      setText(bars, `${what}: how many took how long since the process started`);
    }
    renderBars(card.querySelector('svg'), histogram, what);
    const [summary, bars] = card.querySelectorAll('table');
    [difference(histogram, history[0][name]), histogram].forEach((each, i) => {
      const cells = summary.tBodies[0].rows[i].cells;
      setText(cells[1], count(each.count));
      setText(cells[2], each.count > 0 ? duration(each.sumSeconds / each.count) : '–');
      setText(cells[3], quantile(each, 0.5));
      setText(cells[4], quantile(each, 0.99));
    });
    sync(bars.tBodies[0], histogram.buckets, makeRow('*', 'number'), (row, bucket, i) => {
      setText(row.cells[0], range(histogram.buckets, i));
      setText(row.cells[1], count(bucket.count));
    });
  }

  // ---- events

  function makeEvent() {
    return make(
        'li', '', make('p', 'when', make('time'), ' ', make('span', 'ago')),
        make('p', 'kind', make('strong'), ' ', make('span', 'count')),
        make('p', 'message', make('span'), ' ', make('code')));
  }

  function renderEvents(events, now) {
    const newestFirst = [...events].reverse();
    sync(byId('events'), newestFirst, makeEvent, (item, event) => {
      const [tone, words] = EVENT_KINDS[event.kind] ?? ['', event.kind.replaceAll('_', ' ')];
      const [[time, ago], [kind, times], [message, code]] =
          Array.from(item.children, (each) => each.children);
      setClass(item, tone);
      time.dateTime = event.time;
      setText(time, `${timeOfDay(event.time, now)} UTC`);
      setText(ago, `${span(Math.floor(secondsBetween(event.time, now)))} ago`);
      setText(kind, words);
      setText(times, event.count > 1 ? `× ${count(event.count)}` : '');
      setText(message, event.message);
      setText(code, event.sqlstate ? sqlstate(event.sqlstate) : '');
      code.hidden = !event.sqlstate;
    });
    byId('no-events').hidden = events.length > 0;
  }

  function render(next) {
    remember(next);
    snapshot = next;
    renderFacts(next);
    renderPool(next.pool);
    renderSlots(next.pool);
    renderWorkers(next.workers);
    renderCalls(next.calls);
    renderHistogram('acquire', 'Times to acquire a connection', next.acquire);
    renderHistogram('hash', 'Times to hash a password', next.hash);
    renderEvents(next.events, next.time);
  }

  // ---- polling

  // Works below a proxy's path, too.
  const address = new URL(`${location.pathname.replace(/\/+$/, '')}/snapshot`, location.origin);
  let timer = 0;
  let asking = null;  // the AbortController of the request under way

  async function poll() {
    const controller = asking = new AbortController();
    const started = performance.now();
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      controller.abort();
    }, TIMEOUT_MS);
    let problem = NO_ANSWER;
    try {
      const response = await fetch(address, {cache: 'no-store', signal: controller.signal});
      problem = UNREADABLE;
      if (!response.ok) {
        problem = `It answers with HTTP ${response.status}.`;
        throw new Error(problem);
      }
      const next = await response.json();
      if (asking !== controller) return;
      render(next);
      arrived = performance.now();
      link = 'live';
    } catch (error) {
      if (asking !== controller) return;  // stopped by us, not by a failure
      if (problem === UNREADABLE && !late) console.error(error);
      link = 'unreachable';
      whyUnreachable = late ? 'No answer within 3 s.' : problem;
    } finally {
      clearTimeout(limit);
    }
    if (asking !== controller) return;
    asking = null;
    renderState();
    timer = setTimeout(poll, Math.max(0, started + POLL_MS - performance.now()));
  }

  // Polls if somebody looks and wants it; else stops, and forgets the request under way.
  function startOrStop() {
    clearTimeout(timer);
    if (paused || document.hidden) {
      const controller = asking;
      asking = null;
      controller?.abort();
    } else if (!asking) {
      poll();
    }
  }

  byId('pause').addEventListener('click', () => {
    paused = !paused;
    setText(byId('pause'), paused ? 'Resume updates' : 'Pause updates');
    renderState();
    startOrStop();
  });
  document.addEventListener('visibilitychange', startOrStop);
  window.addEventListener('resize', () => {
    if (!snapshot) return;
    renderPool(snapshot.pool);
    renderCalls(snapshot.calls);
    renderHistogram('acquire', 'Times to acquire a connection', snapshot.acquire);
    renderHistogram('hash', 'Times to hash a password', snapshot.hash);
  });
  setInterval(renderAge, 500);
  startOrStop();
})();
