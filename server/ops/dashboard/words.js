// The words for what the server says: states, codes, times and numbers.

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

const range = (buckets, i) => {
  const from = i === 0 ? 0 : buckets[i - 1].upToSeconds;
  const {upToSeconds} = buckets[i];
  if (upToSeconds === null) return `more than ${duration(from)}`;
  return i === 0 ? `up to ${duration(upToSeconds)}` :
                   `${duration(from)} to ${duration(upToSeconds)}`;
};
