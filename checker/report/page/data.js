// What the run was, unpacked. Times are in microseconds of the world's clock.

// unpack undoes what pack.go did.
async function unpack(text) {
  const coded = atob(JSON.parse(text).replace(/-/g, '+').replace(/_/g, '/'));
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = coded.charCodeAt(i);
  const plain = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')));
  return prepare(await plain.json());
}

// prepare makes columns that are quick to go through.
function prepare(run) {
  const ops = run.Ops;
  const n = ops.at.length;
  ops.n = n;
  ops.took = Float64Array.from(ops.took);
  const at = new Float64Array(n);
  for (let i = 0, t = 0; i < n; i++) at[i] = t += ops.at[i];
  ops.at = at;
  // An operation of unknown outcome may take effect at any later time; it is drawn until it returned, or a little beyond
  // its start where it did not.
  ops.end = at.map((t, i) => t + Math.max(ops.took[i], 0));
  ops.isOk = ops.outcomes.indexOf('ok');
  ops.isFailed = ops.outcomes.indexOf('failed');
  ops.isUnknown = ops.outcomes.indexOf('unknown');
  ops.reads = ops.kinds.map((k) => k === 'get' || k === 'scan');
  ops.marked = new Set(run.marks.flatMap((m) => m.ops));
  let lines = null;
  ops.line = (i) => (lines ??= ops.text.split('\n'))[i];
  // style is the colour in which an operation is drawn.
  ops.style = Uint8Array.from(ops.outcome, (o, i) =>
    o === ops.isFailed ? 2 : o === ops.isUnknown ? 3 : ops.reads[ops.kind[i]] ? 1 : 0);
  return run;
}

const STYLES = ['write', 'read', 'failed', 'unknown'];

// seconds prints a moment; step is how fine it has to be.
function seconds(us, step = 1000) {
  const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(Math.max(step, 1)))));
  return (us / 1e6).toFixed(digits) + ' s';
}

// lasting prints a duration with the unit that suits it.
function lasting(us) {
  if (us < 1000) return Math.round(us) + ' µs';
  if (us < 1e6) return +(us / 1000).toPrecision(3) + ' ms';
  return +(us / 1e6).toPrecision(3) + ' s';
}

// niceStep is the least of 1, 2 and 5 times a power of ten that is not below d.
function niceStep(d) {
  const power = 10 ** Math.floor(Math.log10(Math.max(d, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((s) => s >= d);
}
