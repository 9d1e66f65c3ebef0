// Trends and bars, each with the words for who cannot see them.

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
          (mode < 0 ?
               'none yet' :
               `${count(all)} in all, most often (${count(most)} times) ${range(buckets, mode)}`));
}
