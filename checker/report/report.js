'use strict';
// Everything on this page but porcupine's drawing can be read without this script. It adds buttons that copy a line,
// and a cursor over the timeline that tells what was going on at one time.

for (const button of document.querySelectorAll('.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const code = button.parentElement.querySelector('code');
    let done = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      done = true;
    } catch {
      // A page opened from a file may have no clipboard: select the text and use the old command.
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand('copy');
    }
    button.textContent = done ? 'Copied' : 'Selected';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
}

(() => {
  const plot = document.querySelector('.plot');
  const source = document.getElementById('cursor-data');
  if (!plot || !source) return;
  const data = JSON.parse(source.textContent);
  const area = plot.querySelector('.overlay .area');
  const cursor = plot.querySelector('.cursor');
  const readout = plot.querySelector('.readout');
  let at = null; // seconds

  const duration = (s) => s >= 1 ? s.toFixed(2) + ' s' : s >= 1e-3 ? (s * 1e3).toFixed(1) + ' ms' : (s * 1e6).toFixed(0) + ' µs';

  const add = (text, strong) => {
    const node = strong ? document.createElement('b') : document.createTextNode(text);
    if (strong) node.textContent = text;
    readout.append(node);
  };

  const show = (time) => {
    at = Math.min(Math.max(time, 0), data.end);
    cursor.hidden = readout.hidden = false;
    cursor.style.left = (100 * at / data.end) + '%';
    readout.textContent = '';
    add(at.toFixed(3) + ' s', true);
    if (data.ok) {
      const i = Math.min(Math.floor(at / data.bucket), data.ok.length - 1);
      add(`   ok ${data.ok[i]}, failed ${data.failed[i]}, unknown ${data.unknown[i]}`);
      if (data.p50[i] > 0) add(`   median ${duration(data.p50[i])}, 99 % ${duration(data.p99[i])}`);
    }
    const active = (data.faults || []).filter((f) => f.from <= at && at <= f.to);
    if (active.length > 0) {
      add('   during ');
      add(active.map((f) => f.name).join(', '), true);
    }
  };

  const hide = () => { cursor.hidden = readout.hidden = true; at = null; };

  plot.addEventListener('pointermove', (event) => {
    const box = area.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    if (share < 0 || share > 1) { hide(); return; }
    show(share * data.end);
  });
  plot.addEventListener('pointerleave', hide);
  plot.addEventListener('keydown', (event) => {
    const step = (data.bucket || data.end / 200) * (event.shiftKey ? 10 : 1);
    if (event.key === 'ArrowRight') show((at ?? -step) + step);
    else if (event.key === 'ArrowLeft') show((at ?? data.end + step) - step);
    else if (event.key === 'Escape') hide();
    else return;
    event.preventDefault();
  });
})();
