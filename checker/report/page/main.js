// Puts the page together.

const $ = (id) => document.getElementById(id);

function copyButtons() {
  for (const button of document.querySelectorAll('.copy')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const code = button.parentNode.querySelector('code');
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = 'Copied';
      } catch {
        // Without the right to use the clipboard: select it, so that one key copies it.
        getSelection().selectAllChildren(code);
        button.textContent = document.execCommand('copy') ? 'Copied' : 'Selected';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
  }
}

// overview is the whole run in small, with the stretch that is looked at.
function overview(view) {
  const canvas = $('overview'), g = canvas.getContext('2d'), ops = view.run.Ops;
  const end = view.run.end;
  const paint = () => {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = colour('track');
    g.fillRect(0, 0, width, height);
    const counts = new Float64Array(Math.ceil(width / 2));
    for (const i of view.chosen) counts[Math.min(Math.floor(ops.end[i] / end * counts.length), counts.length - 1)]++;
    const most = Math.max(...counts, 1);
    g.fillStyle = colour('read');
    counts.forEach((c, i) => { const h = c / most * (height - 8); g.fillRect(i * 2, height - h, 1.5, h); });
    g.fillStyle = colour('soft');
    for (const f of view.run.faults) if (f.bit) g.fillRect(f.from / end * width, 0, Math.max((f.to - f.from) / end * width, 1.5), 3);
    g.fillStyle = colour('bad');
    for (const m of view.run.marks) g.fillRect(m.to / end * width - .5, 0, 2, height);
    const a = view.from / end * width, b = view.to / end * width;
    g.fillStyle = colour('bg');
    g.globalAlpha = .68;
    g.fillRect(0, 0, a, height);
    g.fillRect(b, 0, width - b, height);
    g.globalAlpha = 1;
    g.strokeStyle = colour('accent');
    g.lineWidth = 1.5;
    g.strokeRect(Math.max(a, .75), .75, Math.max(Math.min(b, width - .75) - Math.max(a, .75), 2), height - 1.5);
    canvas.setAttribute('aria-valuemax', Math.round(end / 1e6));
    canvas.setAttribute('aria-valuenow', Math.round(view.from / 1e6));
    canvas.setAttribute('aria-valuetext', $('stretch').textContent);
  };
  view.listeners.push(paint);

  let began = null;
  const at = (e) => {
    const box = canvas.getBoundingClientRect();
    return Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1) * end;
  };
  canvas.addEventListener('pointerdown', (e) => { began = at(e); canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener('pointermove', (e) => {
    if (began !== null && Math.abs(at(e) - began) > end / 200) view.zoom(Math.min(began, at(e)), Math.max(began, at(e)));
  });
  canvas.addEventListener('pointerup', (e) => {
    // A click brings the stretch there.
    if (began !== null && Math.abs(at(e) - began) <= end / 200) {
      const half = (view.to - view.from) / 2;
      view.zoom(Math.max(at(e) - half, 0), Math.max(at(e) - half, 0) + 2 * half);
    }
    began = null;
  });
  canvas.addEventListener('pointercancel', () => { began = null; });
  canvas.addEventListener('dblclick', () => view.all());
  canvas.addEventListener('keydown', (e) => keys(view, e));
}

function tools(view) {
  const {run} = view, ops = run.Ops;
  const inputs = ['key', 'client', 'region', 'outcome'];
  for (const k of ops.keys.slice(0, 500)) {
    const option = document.createElement('option');
    option.value = k;
    $('keys').append(option);
  }
  for (const name of inputs) $(name).addEventListener('input', () => view.set(name, $(name).value));
  $('in').addEventListener('click', () => view.by(.5));
  $('out').addEventListener('click', () => view.by(2));
  $('fit').addEventListener('click', () => {
    for (const name of inputs) { $(name).value = ''; view.set(name, ''); }
    view.all();
  });
  for (const button of document.querySelectorAll('.show')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const m = run.marks[+button.dataset.mark], room = Math.max((m.to - m.from) * .6, 2000);
      view.zoom(m.from - room, m.to + room);
      $('bar').scrollIntoView({behavior: 'smooth', block: 'start'});
    });
  }
  const grouped = (n) => n.toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
  view.listeners.unshift(() => {
    let n = 0;
    view.visible((i) => { n += ops.outcome[i] === ops.isOk ? ops.weight : 1; });
    const step = (view.to - view.from) / 1000;
    $('stretch').textContent = `${seconds(view.from, step)} to ${seconds(view.to, step)}`;
    $('shown').textContent = ops.all ? `${ops.weight > 1 ? 'about ' : ''}${grouped(Math.min(n, ops.all))} of ${grouped(ops.all)} operations` : '';
  });
}

async function start() {
  copyButtons();
  const packed = $('packed');
  if (!packed) return;
  const run = await unpack(packed.textContent);
  $('time').hidden = false;
  const view = new View(run);
  tools(view);
  overview(view);
  const panel = (id, make, shown) => {
    const box = $('panel-' + id);
    if (box && shown) make(view, box.querySelector('canvas'));
    else box?.remove();
  };
  panel('faults', faultsPanel, run.faults.length > 0);
  panel('river', riverPanel, run.river.region.length > 0);
  panel('clients', clientsPanel, run.Ops.n > 0);
  panel('moves', movesPanel, run.moves.length > 0);
  if (run.Ops.n > 0) charts(view);
  let width = 0;
  new ResizeObserver(() => {
    if (width === innerWidth) return;
    width = innerWidth;
    view.changed();
  }).observe(document.body);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { palette = {}; view.changed(); });
  // How long it took, for whoever wants to measure it.
  view.listeners.push(() => { performance.mark('drawn'); view.listeners.pop(); });
  view.changed();
}

start().catch((err) => {
  // The rest of the page stands without the timeline; why there is none must be seen.
  const words = document.createElement('p');
  words.className = 'card';
  words.textContent = 'The timeline cannot be drawn: ' + err;
  $('time').replaceWith(words);
  throw err;
});
