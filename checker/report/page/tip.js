// What is under the pointer, in words.

const tip = {
  box: document.getElementById('tip'),
  show(text, x, y) {
    const box = this.box;
    box.textContent = text;
    box.hidden = false;
    const {width, height} = box.getBoundingClientRect();
    box.style.left = Math.max(6, Math.min(x + 14, innerWidth - width - 6)) + 'px';
    box.style.top = (y + 18 + height > innerHeight ? Math.max(y - height - 12, 4) : y + 18) + 'px';
  },
  hide() { this.box.hidden = true; },
};
