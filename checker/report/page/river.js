// The key space over time: each region is a band between its borders, in the colour of the store that leads it. Splits
// and merges are borders that open and close.

function riverPanel(view, canvas) {
  const r = view.run.river, n = r.region.length;
  const strips = r.borders.length + 1;
  const stores = [...new Set(r.store)].filter((s) => s > 0).sort((a, b) => a - b);
  const legend = document.getElementById('stores');
  for (const s of stores) legend.append(key('c' + ((s - 1) % 8), 's' + s));
  if (r.store.includes(0)) legend.append(key('nobody', 'nobody'));

  // A region that is filtered by gets all of the height, with a little of its neighbours.
  const range = () => {
    let low = 0, high = strips;
    if (view.region >= 0) {
      const mine = [...Array(n).keys()].filter((i) => r.region[i] === view.region);
      if (mine.length > 0) {
        low = Math.max(Math.min(...mine.map((i) => r.low[i])) - .3, 0);
        high = Math.min(Math.max(...mine.map((i) => r.high[i])) + .3, strips);
      }
    }
    return {low, high};
  };
  const place = (panel, i, {low, high}) => {
    const y = (b) => (b - low) / (high - low) * panel.height;
    const x = panel.x(r.from[i]);
    return {x, w: panel.x(r.to[i]) - x, y: y(r.low[i]), h: y(r.high[i]) - y(r.low[i])};
  };

  return new Panel(view, canvas, {
    height: () => Math.max(72, Math.min(300, strips * 26)),
    draw: (panel) => {
      const span = range(), {g} = panel;
      const shown = [];
      for (let i = 0; i < n; i++) {
        if (r.to[i] < view.from || r.from[i] > view.to) continue;
        const b = place(panel, i, span);
        shown.push([i, b]);
        g.globalAlpha = view.region >= 0 && r.region[i] !== view.region ? .25 : 1;
        g.fillStyle = r.store[i] > 0 ? hueOf(r.store[i] - 1) : colour('line');
        g.fillRect(b.x, b.y, Math.max(b.w, .7), b.h);
      }
      g.globalAlpha = 1;
      if (shown.length < 4000) shown.forEach(([i, b]) => banks(panel, r, i, b));
    },
    hit: (panel, x, y) => {
      const span = range();
      for (let i = n - 1; i >= 0; i--) {
        const b = place(panel, i, span);
        if (x < b.x || x > b.x + b.w || y < b.y || y >= b.y + b.h) continue;
        const who = r.store[i] > 0 ? `s${r.store[i]} leads in term ${r.term[i]}` : 'nobody leads';
        const from = r.low[i] > 0 ? r.borders[r.low[i] - 1] : 'start';
        const to = r.high[i] <= r.borders.length ? r.borders[r.high[i] - 1] : 'end';
        return `region ${view.run.regions[r.region[i]]}  [${from}, ${to})\n${who}\n${seconds(r.from[i])} to ${seconds(r.to[i])}`;
      }
      return null;
    },
  });
}

// banks draws the borders of a piece, which open where a region begins; a line where the leader changes; and its name.
function banks(panel, r, i, b) {
  const {g, view} = panel;
  const bank = Math.min(2, b.h / 4), mouth = Math.min(10, Math.max(b.w / 2, 0));
  g.fillStyle = colour('card');
  for (const [y, inward] of [[b.y, 1], [b.y + b.h, -1]]) {
    g.beginPath();
    g.moveTo(b.x, y);
    g.quadraticCurveTo(b.x + mouth * .6, y, b.x + (r.first[i] ? mouth : 0), y + inward * bank);
    g.lineTo(b.x + b.w, y + inward * bank);
    g.lineTo(b.x + b.w, y);
    g.fill();
  }
  if (b.w > 3) g.fillRect(b.x, b.y, r.first[i] ? 1.5 : .8, b.h);
  const from = Math.max(b.x, panel.left), room = Math.min(b.x + b.w, panel.left + panel.width) - from;
  if (b.h < 15 || room < 30) return;
  const name = view.run.regions[r.region[i]], text = `${name}  s${r.store[i]}`;
  g.font = '600 11px ' + colour('sans');
  g.textAlign = 'left';
  g.fillStyle = '#fff';
  const fits = [text, name].find((s) => g.measureText(s).width < room - 12);
  if (fits && r.store[i] > 0) g.fillText(fits, from + 6, b.y + b.h / 2 + .5);
}

function key(name, text) {
  const span = document.createElement('span'), i = document.createElement('i');
  i.className = name;
  span.append(i, text);
  return span;
}
