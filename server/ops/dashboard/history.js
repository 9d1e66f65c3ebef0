// What the snapshots of the last two minutes said, and what has changed in them. Rates are taken
// from the server's clock, so that this machine's does not matter.

const TREND_SECONDS = 120;
// Polls further apart than this (a hidden tab) leave a gap in a trend.
const GAP_SECONDS = 5;

// Oldest first: {at, calls: Map(rpc → {total, errors}), acquire, hash}.
let history = [];

function remember(next) {
  // Counters of another process say nothing about this one's.
  if (next.uptimeSeconds < history[history.length - 1]?.at) history = [];
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

const newest = (points) => (points.length ? points[points.length - 1].perSecond : null);
const highest = (points) => Math.max(0, ...points.map((point) => point.perSecond));

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
