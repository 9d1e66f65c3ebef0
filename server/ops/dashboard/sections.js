// The sections of the page below its headline, each from its part of a snapshot.

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
      trend.append(
          makeSvg('svg', {class: 'trend', height: 20, 'aria-hidden': 'true', focusable: 'false'}));
    }
    const points = rates(counterOf(call.rpc, 'total'));
    renderTrend(trend.firstChild, points);
    setText(perSecond, rate(newest(points)));
    setText(total, count(call.total));
    const recent = call.errors - counterOf(call.rpc, 'errors')(history[0]);
    setText(errors, recent > 0 ? `${count(call.errors)} (+${count(recent)})` : count(call.errors));
    setClass(errors, recent > 0 ? 'number alarm' : 'number');
  });
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
