// Latency and throughput, by uPlot: percentiles over a raster of single operations, and counts.

// slices cuts the stretch of time and counts in each slice, when they returned, the operations that are chosen.
function slices(view, n) {
  const ops = view.run.Ops, width = (view.to - view.from) / n;
  const at = Array.from({length: n}, (_, i) => view.from + (i + .5) * width);
  const counts = [0, 1, 2].map(() => new Float64Array(n));
  const took = Array.from({length: n}, () => []);
  view.visible((i) => {
    const s = Math.floor((ops.end[i] - view.from) / width);
    if (s < 0 || s >= n) return;
    const ok = ops.outcome[i] === ops.isOk;
    counts[ok ? 0 : ops.outcome[i] === ops.isFailed ? 1 : 2][s] += ok ? ops.weight : 1;
    if (ok) took[s].push(ops.took[i]);
  });
  for (const t of took) t.sort((a, b) => a - b);
  const percentile = (p) => took.map((t) => t.length ? Math.max(t[Math.min(Math.floor(p * t.length), t.length - 1)], 1) : null);
  const rate = (a) => Array.from(a, (v) => v / width * 1e6);
  return {at, ok: rate(counts[0]), failed: rate(counts[1]), unknown: rate(counts[2]), p50: percentile(.5), p99: percentile(.99)};
}

function chart(view, box, {height, series, y, under, splits, words}) {
  const axis = {stroke: () => colour('soft'), grid: {stroke: () => colour('line'), width: 1}, ticks: {show: false}, font: '11.5px system-ui, sans-serif'};
  const plot = new uPlot({
    width: Math.max(box.clientWidth, 200), height, legend: {show: false}, padding: [8, RIGHT, 0, 0],
    scales: {x: {time: false, range: () => [view.from, view.to]}, y},
    axes: [
      {...axis, size: 26, space: 90, incrs: increments(), values: (_, ts) => ts.map((t) => seconds(t, ts.length > 1 ? ts[1] - ts[0] : 1e6))},
      {...axis, size: () => gutter(), gap: 8, splits, filter: (_, vs) => vs, values: words, space: 28},
    ],
    series: [{}, ...series],
    cursor: {points: {show: false}, y: false, drag: {x: true, y: false, setScale: false}},
    hooks: {
      drawClear: [(u) => { bands(view, u); under(u); }],
      setSelect: [(u) => {
        if (u.select.width < 5) return;
        const from = u.posToVal(u.select.left, 'x'), to = u.posToVal(u.select.left + u.select.width, 'x');
        u.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
        view.zoom(from, to);
      }],
    },
  }, [[0], ...series.map(() => [null])], box);
  plot.over.addEventListener('pointermove', (e) => {
    view.hover(plot.posToVal(e.clientX - plot.over.getBoundingClientRect().left, 'x'));
  });
  plot.over.addEventListener('pointerleave', () => view.hover(null));
  plot.over.addEventListener('dblclick', () => view.all());
  view.hoverers.push((t) => plot.setCursor(t === null ? {left: -10, top: -10} : {left: plot.valToPos(t, 'x'), top: 0}, false));
  return plot;
}

const increments = () => [1, 2, 5].flatMap((n) => Array.from({length: 12}, (_, p) => n * 10 ** p)).sort((a, b) => a - b);

// decades are the marks of a logarithmic axis: powers of ten, and 2 and 5 between them where there is room.
function decades(_, __, low, high) {
  const marks = (factors) => Array.from({length: 10}, (_, p) => factors.map((f) => f * 10 ** p)).flat().filter((v) => v >= low && v <= high);
  const fine = marks([1, 2, 5]);
  return fine.length <= 7 ? fine : marks([1]);
}

// bands shades what stood under a fault, and marks the violations.
function bands(view, u) {
  const {left, top, width, height} = u.bbox, g = u.ctx;
  const x = (t) => Math.min(Math.max(u.valToPos(t, 'x', true), left), left + width);
  g.save();
  g.globalAlpha = .07;
  g.fillStyle = colour('bad');
  for (const f of view.run.faults) {
    if (f.bit && f.to > view.from && f.from < view.to) g.fillRect(x(f.from), top, Math.max(x(f.to) - x(f.from), 1), height);
  }
  g.globalAlpha = 1;
  for (const m of view.run.marks) {
    if (m.to >= view.from && m.to <= view.to) g.fillRect(x(m.to), top, 1, height);
  }
  g.restore();
}

// raster draws single operations in small cells, the darker the more there are.
function raster(view, u) {
  const ops = view.run.Ops, g = u.ctx, {left, top, width, height} = u.bbox;
  let n = 0;
  view.visible(() => { n++; });
  const cell = (n < 1000 ? 4 : 2) * (devicePixelRatio || 1), columns = Math.ceil(width / cell), rows = Math.ceil(height / cell);
  const hits = [new Uint16Array(columns * rows), new Uint16Array(columns * rows)];
  const span = view.to - view.from, low = Math.log(u.scales.y.min), high = Math.log(u.scales.y.max);
  view.visible((i) => {
    if (ops.outcome[i] !== ops.isOk) return;
    const c = Math.floor((ops.end[i] - view.from) / span * columns);
    const r = Math.floor((high - Math.log(Math.max(ops.took[i], 1))) / (high - low) * rows);
    if (c >= 0 && c < columns && r >= 0 && r < rows) hits[ops.reads[ops.kind[i]] ? 1 : 0][r * columns + c]++;
  });
  g.save();
  [colour('read'), colour('write')].forEach((hue, pass) => {
    g.fillStyle = hue;
    const cells = hits[1 - pass];
    for (let k = 0; k < cells.length; k++) {
      if (cells[k] === 0) continue;
      g.globalAlpha = Math.min(.45 + .12 * cells[k], 1);
      g.fillRect(left + (k % columns) * cell, top + Math.floor(k / columns) * cell, cell, cell);
    }
  });
  g.restore();
}

function charts(view) {
  const latencyBox = document.getElementById('plot-latency'), rateBox = document.getElementById('plot-throughput');
  const line = (name, width) => ({stroke: () => colour(name), width, points: {show: false}, spanGaps: false});
  const steps = uPlot.paths.stepped({align: 1});
  const area = (name) => ({stroke: () => colour(name), fill: () => colour(name), width: 0, points: {show: false}, paths: steps});
  let limits = [100, 1e6];
  const latency = chart(view, latencyBox, {
    height: 220, series: [line('p99', 1.3), line('p50', 1.8)], under: (u) => raster(view, u),
    y: {distr: 3, log: 10, range: () => limits}, 
splits: decades,
    words: (_, vs) => vs.map(lasting),
  });
  const rate = chart(view, rateBox, {
    height: 150, series: [area('unknown'), area('failed'), area('write')], under: () => {},
    y: {range: (_, __, max) => [0, Math.max(max * 1.05, 1)]},
    words: (_, vs) => vs.map((v) => v === 0 ? '0' : (v >= 1000 ? +(v / 1000).toFixed(1) + ' k' : v) + '/s'),
  });
  view.listeners.push(() => {
    const s = slices(view, Math.max(20, Math.floor(latencyBox.clientWidth / 6)));
    const ops = view.run.Ops;
    let low = Infinity, high = 1;
    view.visible((i) => {
      if (ops.outcome[i] !== ops.isOk) return;
      low = Math.min(low, Math.max(ops.took[i], 1));
      high = Math.max(high, ops.took[i]);
    });
    limits = low === Infinity ? [100, 1e6] : [low / 1.3, Math.max(high, low * 3) * 1.3];
    for (const [plot, box] of [[latency, latencyBox], [rate, rateBox]]) {
      if (plot.width !== box.clientWidth) plot.setSize({width: box.clientWidth, height: plot.height});
    }
    latency.setData([s.at, s.p99, s.p50]);
    const width = s.at[1] - s.at[0], edges = s.at.map((t) => t - width / 2);
    const failed = s.ok.map((v, i) => v + s.failed[i]);
    rate.setData([edges, failed.map((v, i) => v + s.unknown[i]), failed, s.ok]);
  });
}
