// Polls dashboard/snapshot each second and shows it, or how old the last one is.

const POLL_MS = 1000;
const TIMEOUT_MS = 3000;
const NO_ANSWER = 'It does not answer.';
const UNREADABLE = 'Its answer cannot be read.';

const FAVICONS = {
  ok: ['#0a6b3d', 'M9 16.5l5 5 9-11'],
  bad: ['#b3181f', 'M16 7v11M16 24v.5'],
  wait: ['#7d4e00', 'M9 16h.5M16 16h.5M23 16h.5'],
  gone: ['#3a4452', 'M10 10l12 12M22 10 10 22'],
};

let snapshot = null;
let arrived = 0;       // performance.now() of the snapshot
let link = 'waiting';  // waiting, live, unreachable
let paused = false;
let whyUnreachable = '';

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
  if (document.title !== `${headline} · auth_server`) document.title = `${headline} · auth_server`;
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
    words =
        old === null ? 'Updates are paused.' : `Updates are paused: this was so ${span(old)} ago.`;
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
