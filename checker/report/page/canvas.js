// A canvas over time that all lanes are drawn on: an axis, a cursor, and zooming by mouse, finger and keys.

const AXIS = 20;  // the height of the axis of time
const RIGHT = 10; // what is free at the right

const gutter = () => innerWidth <= 640 ? 62 : 104;

// colour reads a colour of the style sheet, which differs between light and dark.
let palette = {};
const colour = (name) => palette[name] ??= getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

class Panel {
  // draw(panel) draws, hit(panel, x, y) says in words what is there, or null.
  constructor(view, canvas, {height, draw, hit, axis = true}) {
    Object.assign(this, {view, canvas, heightOf: height, draw, hit, axis});
    this.g = canvas.getContext('2d');
    canvas.tabIndex = 0;
    const box = document.createElement('div');
    box.className = 'stage';
    box.style.position = 'relative';
    canvas.replaceWith(box);
    this.hair = overlay(box, 'hair', {top: 0, bottom: axis ? AXIS + 'px' : 0, width: '1px', background: 'var(--ink)', opacity: .45});
    this.band = overlay(box, 'band', {top: 0, bottom: axis ? AXIS + 'px' : 0, background: 'var(--accent)', opacity: .16});
    box.prepend(canvas);
    view.listeners.push(() => this.paint());
    view.hoverers.push((t) => this.cursor(t));
    this.listen();
  }

  x(t) { return this.left + (t - this.view.from) / (this.view.to - this.view.from) * this.width; }
  time(x) { return this.view.from + (x - this.left) / this.width * (this.view.to - this.view.from); }

  paint() {
    const {canvas, g, view} = this;
    const ratio = devicePixelRatio || 1;
    this.left = gutter();
    this.full = canvas.parentNode.clientWidth;
    this.width = Math.max(this.full - this.left - RIGHT, 20);
    this.height = this.heightOf(this);
    const total = this.height + (this.axis ? AXIS : 0);
    canvas.style.height = total + 'px';
    canvas.width = Math.round(this.full * ratio);
    canvas.height = Math.round(total * ratio);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.font = '11.5px ' + colour('sans');
    g.textBaseline = 'middle';
    if (this.axis) this.ticks();
    g.save();
    g.beginPath();
    g.rect(this.left, 0, this.width, this.height);
    g.clip();
    this.draw(this);
    for (const m of view.run.marks) {
      if (m.to < view.from || m.from > view.to) continue;
      g.fillStyle = colour('bad');
      g.fillRect(this.x(m.to), 0, 1, this.height);
    }
    g.restore();
    if (this.labels) this.labels();
  }

  ticks() {
    const {g, view} = this;
    const step = niceStep((view.to - view.from) / Math.max(this.width / 90, 2));
    g.textAlign = 'center';
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
      const x = Math.round(this.x(t)) + .5;
      g.fillStyle = colour('line');
      g.fillRect(x - .5, 0, 1, this.height + 4);
      g.fillStyle = colour('soft');
      const text = seconds(t, step);
      const half = g.measureText(text).width / 2;
      g.fillText(text, Math.min(Math.max(x, half), this.full - half), this.height + 13);
    }
  }

  // label writes a name into the gutter.
  label(text, y) {
    const {g} = this;
    g.fillStyle = colour('soft');
    g.textAlign = 'right';
    let s = text;
    while (s.length > 3 && g.measureText(s).width > this.left - 10) s = s.slice(0, -2).trimEnd() + '…';
    g.fillText(s, this.left - 8, y);
  }

  cursor(t) {
    const inside = t !== null && t >= this.view.from && t <= this.view.to && this.width;
    this.hair.hidden = !inside;
    if (inside) this.hair.style.left = this.x(t) + 'px';
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  listen() {
    const {canvas, view} = this;
    let began = null;
    const reach = (x) => Math.min(Math.max(x, this.left), this.left + this.width);
    canvas.addEventListener('pointerdown', (e) => {
      if (e.button !== 0) return;
      began = this.at(e).x;
      canvas.setPointerCapture(e.pointerId);
    });
    canvas.addEventListener('pointermove', (e) => {
      const {x, y} = this.at(e);
      if (began !== null && Math.abs(x - began) > 4) {
        const [a, b] = [reach(began), reach(x)].sort((p, q) => p - q);
        this.band.hidden = false;
        Object.assign(this.band.style, {left: a + 'px', width: b - a + 'px'});
        tip.hide();
        return;
      }
      const inside = x >= this.left && x <= this.left + this.width;
      view.hover(inside ? this.time(x) : null);
      const words = inside && y <= this.height ? this.hit(this, x, y) : null;
      if (words) tip.show(words, e.clientX, e.clientY); else tip.hide();
    });
    const drop = (e) => {
      const {x} = this.at(e);
      if (began !== null && Math.abs(x - began) > 4 && e.type === 'pointerup') {
        const [a, b] = [reach(began), reach(x)].sort((p, q) => p - q);
        view.zoom(this.time(a), this.time(b));
      }
      began = null;
      this.band.hidden = true;
    };
    canvas.addEventListener('pointerup', drop);
    canvas.addEventListener('pointercancel', drop);
    canvas.addEventListener('pointerleave', () => { view.hover(null); tip.hide(); });
    canvas.addEventListener('dblclick', () => view.all());
    canvas.addEventListener('wheel', (e) => {
      if (!e.ctrlKey && !e.metaKey) return;
      e.preventDefault();
      view.by(e.deltaY > 0 ? 1.25 : 0.8, this.time(this.at(e).x));
    }, {passive: false});
    canvas.addEventListener('keydown', (e) => keys(view, e));
  }
}

function overlay(box, name, style) {
  const div = document.createElement('div');
  div.className = name;
  div.hidden = true;
  Object.assign(div.style, {position: 'absolute', pointerEvents: 'none'}, style);
  box.append(div);
  return div;
}

// keys moves and zooms.
function keys(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = event.shiftKey ? .5 : .1;
  switch (event.key) {
    case 'ArrowLeft': view.pan(-step); break;
    case 'ArrowRight': view.pan(step); break;
    case '+': case '=': view.by(.5); break;
    case '-': view.by(2); break;
    case '0': case 'Home': view.all(); break;
    case 'Escape': tip.hide(); view.hover(null); return;
    default: return;
  }
  event.preventDefault();
}
