// What is wrong with the boxes of the page that is open: what is wider than the screen, runs out of its box, is covered,
// moves the page when it loads, or lies below the end of the content. A list of sentences; empty: nothing.
const d = document.documentElement, out = [];
const name = (e) => e.outerHTML.slice(0, 90).replace(/\s+/g, ' ');
if (d.scrollWidth > d.clientWidth) out.push('page ' + (d.scrollWidth - d.clientWidth) + ' px wider than the screen');
const clipped = (e) => e && (getComputedStyle(e).clipPath !== 'none' || clipped(e.parentElement));
const shown = (e) => { const s = getComputedStyle(e), r = e.getBoundingClientRect(); return s.visibility !== 'hidden' && r.width > 1 && r.height > 1 && !clipped(e) && !e.closest('[hidden], dialog:not([open])') && !(e.closest('details:not([open])') && !e.closest('summary')); };
const scrolls = (e) => e && e !== document.body && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
const inside = (box, x, y) => { const r = box.getBoundingClientRect(); return x >= r.left && x <= r.right && y >= r.top && y <= r.bottom; };
const all = [...document.body.querySelectorAll('*')].filter((e) => !e.closest('svg') && shown(e));
const seen = [];
for (const e of all) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const box = e.closest('.card, .cards > li, td, th, fieldset, .secret, .sheet, section, form, li, nav');
  if (own && box && !scrolls(e)) {
    const b = box.getBoundingClientRect();
    const rects = [...e.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim()).flatMap((n) => { const r = document.createRange(); r.selectNodeContents(n); return [...r.getClientRects()]; });
    for (const q of rects) if (q.right > b.right + 1.5 || q.left < b.left - 1.5) { out.push('runs out of its box: ' + name(e)); break; }
  }
  if (own) for (const n of e.childNodes) if (n.nodeType === 3 && n.textContent.trim()) {
    const r = document.createRange(); r.selectNodeContents(n);
    const q = [...r.getClientRects()].find((q) => q.width > 4 && q.height > 4);
    if (!q) continue;
    const x = q.left + q.width / 2, y = q.top + q.height / 2;
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
    // What a scrolling box has out of sight is covered by nothing.
    const sees = (box) => !box || ((getComputedStyle(box).overflowY === 'visible' || inside(box, x, y)) && sees(box.parentElement));
    if (!sees(e.parentElement)) continue;
    const top = document.elementFromPoint(x, y);
    if (top && !e.contains(top) && !top.contains(e) && !top.closest('.sheet')) out.push('covered by ' + name(top) + ': ' + name(e));
  }
  if (e.tagName === 'IMG' && !(e.getAttribute('width') && e.getAttribute('height')) && !getComputedStyle(e).aspectRatio.includes('/')) out.push('picture without a size: ' + name(e));
}
const main = document.querySelector('main');
const bottom = Math.max(...all.map((e) => e.getBoundingClientRect().bottom + scrollY), 0);
if (d.scrollHeight > Math.max(bottom, innerHeight) + 40) out.push('scrolls ' + (d.scrollHeight - bottom) + ' px past its content');
return out.slice(0, 8);
