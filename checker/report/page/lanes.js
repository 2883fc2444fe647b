// Faults, operations by client, and the placement driver's operators: things with a beginning and an end, in lanes.

// lanesOf puts things into lanes by kind; things of a kind that overlap share the lane's height.
function lanesOf(things, kind) {
  const names = [...new Set(things.map(kind))];
  const rows = names.map((name) => {
    const mine = things.filter((f) => kind(f) === name).sort((a, b) => a.from - b.from);
    const busy = []; // until when each strand of the lane is taken
    const placed = mine.map((f) => {
      let strand = busy.findIndex((to) => to <= f.from);
      if (strand < 0) strand = busy.length < 6 ? busy.length : busy.indexOf(Math.min(...busy));
      busy[strand] = Math.max(busy[strand] ?? 0, f.to);
      return {thing: f, strand};
    });
    return {name, placed, strands: Math.max(busy.length, 1)};
  });
  return rows;
}

// lanesPanel draws such lanes; paint(panel, thing, x, y, w, h) draws one of them.
function lanesPanel(view, canvas, rows, {paint, words}) {
  const LANE = 20;
  const where = (panel, row, r, p) => {
    const h = (LANE - 4) / row.strands, y = r * LANE + 2 + p.strand * h;
    const x = panel.x(p.thing.from);
    return {x, y, w: Math.max(panel.x(p.thing.to) - x, 3), h: Math.max(h - (row.strands > 1 ? 1 : 0), 1.5)};
  };
  const panel = new Panel(view, canvas, {
    height: () => rows.length * LANE,
    draw: (panel) => {
      rows.forEach((row, r) => {
        panel.g.fillStyle = colour('track');
        panel.g.fillRect(panel.left, r * LANE + 2, panel.width, LANE - 4);
        for (const p of row.placed) {
          const b = where(panel, row, r, p);
          if (b.x + b.w < panel.left || b.x > panel.left + panel.width) continue;
          panel.g.globalAlpha = view.region >= 0 && p.thing.region !== undefined && p.thing.region !== view.region ? .15 : 1;
          paint(panel, p.thing, b, r);
        }
        panel.g.globalAlpha = 1;
      });
    },
    hit: (panel, x, y) => {
      const r = Math.floor(y / LANE);
      const row = rows[r];
      if (!row) return null;
      const found = row.placed.findLast((p) => {
        const b = where(panel, row, r, p);
        return x >= b.x - 2 && x <= b.x + b.w + 2 && y >= b.y && y <= b.y + b.h + 1;
      });
      return found ? words(found.thing) : null;
    },
  });
  panel.labels = () => rows.forEach((row, r) => panel.label(row.name, r * LANE + LANE / 2));
  return panel;
}

const hueOf = (i) => colour('c' + ((i % 8) + 8) % 8);

function faultsPanel(view, canvas) {
  return lanesPanel(view, canvas, lanesOf(view.run.faults, (f) => f.kind), {
    paint: ({g}, f, b, r) => {
      g.fillStyle = g.strokeStyle = hueOf(r);
      if (f.bit) { g.fillRect(b.x, b.y, b.w, b.h); return; }
      g.setLineDash([3, 2]);
      g.strokeRect(b.x + .5, b.y + .5, Math.max(b.w - 1, 1), b.h - 1);
      g.setLineDash([]);
    },
    words: (f) => `${f.name}\n${seconds(f.from)} to ${seconds(f.to)}\n${f.receipt || 'no receipt'}${f.bit ? '' : ' (did not bite)'}`,
  });
}

function movesPanel(view, canvas) {
  return lanesPanel(view, canvas, lanesOf(view.run.moves, (m) => m.kind), {
    paint: ({g}, m, b) => {
      g.fillStyle = m.outcome === 'finished' ? colour('c2') : colour('unknown');
      g.fillRect(b.x, b.y, b.w, b.h);
    },
    words: (m) => `${m.text}\n${seconds(m.from)} to ${seconds(m.to)}: ${m.outcome || 'under way'}`,
  });
}

function clientsPanel(view, canvas) {
  const ops = view.run.Ops;
  const lane = () => Math.max(3, Math.min(20, Math.floor(420 / Math.max(ops.clients.length, 1))));
  // The two lines of an operation's lane: a client does one thing at a time.
  const panel = new Panel(view, canvas, {
    height: () => ops.clients.length * lane(),
    draw: (panel) => drawOps(panel, lane()),
    hit: (panel, x, y) => {
      const c = Math.floor(y / lane()), t = panel.time(x), near = (view.to - view.from) / panel.width * 3;
      let best = -1, far = near;
      view.visible((i) => {
        if (ops.client[i] !== c) return;
        const d = t < ops.at[i] ? ops.at[i] - t : t > ops.end[i] ? t - ops.end[i] : 0;
        if (d <= far) { far = d; best = i; }
      });
      return best < 0 ? null : opWords(view, best);
    },
  });
  panel.labels = () => {
    const every = Math.ceil(13 / lane());
    ops.clients.forEach((c, i) => { if (i % every === 0) panel.label('c' + c, (i + .5) * lane()); });
  };
  return panel;
}

// drawOps draws the operations of each client. Where many share a pixel, one of each colour is drawn.
function drawOps(panel, lane) {
  const {g, view} = panel, ops = view.run.Ops;
  g.fillStyle = colour('track');
  for (let c = 0; c < ops.clients.length; c++) g.fillRect(panel.left, c * lane + 1, panel.width, lane - 2);
  const hues = STYLES.map(colour);
  const drawn = STYLES.map(() => new Float64Array(ops.clients.length).fill(-1));
  const open = [];
  const box = (i) => {
    const x = panel.x(ops.at[i]);
    return {x, y: ops.client[i] * lane + 1, w: Math.max(panel.x(ops.end[i]) - x, 1), h: lane - 2};
  };
  view.visible((i) => {
    const b = box(i), style = ops.style[i], lanes = drawn[style], c = ops.client[i];
    if (b.x + b.w <= lanes[c]) return;
    if (style === 3) { open.push(i); return; }
    lanes[c] = Math.ceil(b.x + b.w);
    g.fillStyle = hues[style];
    g.fillRect(b.x, b.y, b.w > 4 ? b.w - 1 : b.w, b.h);
  });
  // Those that matter most come on top.
  for (const i of open) {
    const b = box(i);
    g.fillStyle = hues[3];
    g.fillRect(b.x, b.y, Math.max(b.w, 2.5), b.h);
  }
  g.strokeStyle = colour('bad');
  g.lineWidth = 2;
  for (const i of ops.marked) {
    const b = box(i);
    g.strokeRect(b.x - 1, b.y, Math.max(b.w, 3) + 2, b.h);
  }
  g.lineWidth = 1;
}

// opWords tells an operation.
function opWords(view, i) {
  const ops = view.run.Ops;
  const took = ops.took[i] < 0 ? 'open' : lasting(ops.took[i]);
  const region = ops.region[i] >= 0 ? `\nregion ${view.run.regions[ops.region[i]]}` : '';
  const guilty = ops.marked.has(i) ? '\npart of a counter-example' : '';
  return `c${ops.clients[ops.client[i]]}  ${ops.line(i)}\nat ${seconds(ops.at[i], 1)}, ${took}, ${ops.outcomes[ops.outcome[i]]}${region}${guilty}`;
}
