// What is looked at: a stretch of time and filters. Everything that draws listens to it.

class View {
  constructor(run) {
    this.run = run;
    this.from = 0;
    this.to = run.end;
    this.filter = {key: '', client: '', region: '', outcome: ''};
    this.listeners = [];
    this.hoverers = [];
    this.waiting = false;
    this.select();
  }

  // changed draws everything anew, once before the next frame.
  changed() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      for (const f of this.listeners) f();
    });
  }

  // zoom shows a stretch of time; one that is too short, or reaches beyond the run, is put right.
  zoom(from, to) {
    const end = this.run.end;
    const width = Math.min(Math.max(to - from, Math.min(200, end)), end);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - width / 2, 0), end - width);
    this.to = this.from + width;
    this.changed();
  }

  // by zooms by a factor around a moment.
  by(factor, around = (this.from + this.to) / 2) {
    this.zoom(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  pan(share) {
    const d = (this.to - this.from) * share;
    this.zoom(this.from + Math.max(-this.from, d), this.to + Math.max(-this.from, d));
  }

  all() { this.zoom(0, this.run.end); }

  set(name, value) {
    this.filter[name] = value;
    this.select();
    this.changed();
  }

  hover(t) { for (const f of this.hoverers) f(t); }

  // region is the place of the region that is filtered by, -1 for all.
  get region() { return this.filter.region === '' ? -1 : this.run.regions.indexOf(this.filter.region); }

  // keyMatches says which of the keys the filter lets through: those that contain its text, and scans over it.
  keyMatches(text) {
    return this.run.Ops.keys.map((k) => {
      if (k.includes(text)) return true;
      const range = /^\[(.*), (.*)\)$/.exec(k);
      return range !== null && range[1] <= text && (range[2] === '' || text < range[2]);
    });
  }

  // select finds the operations that the filters let through.
  select() {
    const ops = this.run.Ops, f = this.filter;
    const keys = f.key === '' ? null : this.keyMatches(f.key);
    const client = f.client === '' ? -1 : ops.clients.indexOf(+f.client);
    const outcome = f.outcome === '' ? -1 : ops.outcomes.indexOf(f.outcome);
    const region = this.region;
    const chosen = new Uint32Array(ops.n);
    let n = 0;
    for (let i = 0; i < ops.n; i++) {
      if (keys !== null && !keys[ops.key[i]]) continue;
      if (client >= 0 && ops.client[i] !== client) continue;
      if (region >= 0 && ops.region[i] !== region) continue;
      if (outcome >= 0 && ops.outcome[i] !== outcome) continue;
      chosen[n++] = i;
    }
    this.chosen = chosen.subarray(0, n);
    // latest is the last end of those up to a place, which only rises: the first that matters is found by halving.
    this.latest = new Float64Array(n);
    for (let k = 0, m = 0; k < n; k++) this.latest[k] = m = Math.max(m, ops.end[chosen[k]]);
  }

  // visible calls f with each chosen operation that is within the stretch of time, in order.
  visible(f) {
    const ops = this.run.Ops;
    let low = 0, high = this.chosen.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.latest[mid] < this.from) low = mid + 1; else high = mid;
    }
    for (; low < this.chosen.length; low++) {
      const i = this.chosen[low];
      if (ops.at[i] > this.to) break;
      if (ops.end[i] >= this.from) f(i);
    }
  }
}
