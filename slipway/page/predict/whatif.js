// The mark on the curve is a slider: dragged, or moved by keys, it changes the input in the form. Pointing at the curve or the map
// says the result there, and a click on the map changes both inputs.
const REST = 500; // milliseconds after the last key
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5, Home: -Infinity, End: Infinity };
let dragged = null; // the curve under a pointer that is down
let timer;
let refocus = false;

const curveOf = (node) => node.closest?.(".slip-curve");
const pointsOf = (curve) => JSON.parse(curve.dataset.points);
const told = ([, , value, result]) => `${value} → ${result}`;

function nearest(curve, x) {
  const { left, width } = curve.querySelector(".slip-curve-plot").getBoundingClientRect();
  const at = ((x - left) / width) * 100;
  const points = pointsOf(curve);
  return points.reduce((best, point, i) => (Math.abs(point[0] - at) < Math.abs(points[best][0] - at) ? i : best), 0);
}

function move(curve, at) {
  const point = pointsOf(curve)[at];
  const handle = curve.querySelector(".slip-handle");
  const text = curve.querySelector(".slip-now-text");
  handle.setAttribute("aria-valuenow", at);
  handle.setAttribute("aria-valuetext", told(point));
  Object.assign(handle.style, { left: `${point[0]}%`, top: `${point[1]}%` });
  for (const part of [text, curve.querySelector(".slip-now")]) part.style.left = `${point[0]}%`;
  text.textContent = told(point);
  text.classList.toggle("slip-before", point[0] > 50);
}

// As if somebody had typed it.
function enter(component, text) {
  const field = document.getElementById(component);
  const tick = field.querySelector('input[type="checkbox"]:checked');
  if (tick) tick.click();
  const box = field.querySelector(".slip-typed input:not(.slip-picker), .slip-typed textarea");
  if (!box || box.value === text) return;
  box.value = text;
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

const enterFrom = (curve) =>
  enter(curve.dataset.component, pointsOf(curve)[curve.querySelector(".slip-handle").getAttribute("aria-valuenow")][4]);

function peek(chart, text, left) {
  const note = chart.querySelector(".slip-peek");
  note.hidden = !text;
  note.textContent = text;
  if (left !== undefined) {
    note.style.left = `${left}%`;
    note.classList.toggle("slip-before", left > 50);
  }
}

document.addEventListener("pointerdown", (event) => {
  const curve = event.target.closest?.(".slip-curve-plot") && curveOf(event.target);
  if (!curve?.querySelector(".slip-handle") || event.button !== 0) return;
  dragged = curve;
  event.target.closest(".slip-curve-plot").setPointerCapture(event.pointerId);
  curve.querySelector(".slip-handle").focus({ preventScroll: true });
  peek(curve, "");
  move(curve, nearest(curve, event.clientX));
});
document.addEventListener("pointermove", (event) => {
  if (dragged) return move(dragged, nearest(dragged, event.clientX));
  const curve = event.pointerType === "mouse" && event.target.closest?.(".slip-curve-plot") && curveOf(event.target);
  if (!curve) return;
  const point = pointsOf(curve)[nearest(curve, event.clientX)];
  peek(curve, told(point), point[0]);
});
document.addEventListener("pointerup", () => {
  if (!dragged) return;
  refocus = true;
  enterFrom(dragged);
  dragged = null;
});
document.addEventListener("pointercancel", () => { dragged = null; });
document.addEventListener("pointerout", ({ target }) => {
  const chart = target.closest?.(".slip-curve-plot, .slip-map");
  if (chart?.querySelector(".slip-peek") && !dragged) peek(chart, "");
});

document.addEventListener("keydown", (event) => {
  const step = event.target.matches?.(".slip-handle") && STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const curve = curveOf(event.target);
  const at = Number(event.target.getAttribute("aria-valuenow")) + step;
  move(curve, Math.max(0, Math.min(pointsOf(curve).length - 1, at)));
  clearTimeout(timer);
  timer = setTimeout(() => { refocus = true; enterFrom(curve); }, REST);
});

function cellOf(target) {
  const map = target.matches?.(".slip-map-cells i") && target.closest(".slip-map");
  if (!map) return null;
  const [across, down] = [JSON.parse(map.dataset.across), JSON.parse(map.dataset.down)];
  const place = [...target.parentElement.children].indexOf(target);
  return { map, x: across[place % across.length], y: down[Math.floor(place / across.length)] };
}
document.addEventListener("pointerover", ({ target }) => {
  const cell = cellOf(target);
  if (cell) peek(cell.map, `${cell.x[0]}, ${cell.y[0]} → ${target.dataset.result}`);
});
document.addEventListener("click", ({ target }) => {
  const cell = cellOf(target);
  if (!cell) return;
  const [first, second] = cell.map.dataset.components.split(" ");
  enter(first, cell.x[1]);
  enter(second, cell.y[1]);
});

// The answer to what was moved draws the curve anew.
new MutationObserver(() => {
  if (!refocus || document.activeElement !== document.body) return;
  const handle = document.querySelector(".slip-handle");
  if (!handle) return;
  refocus = false;
  handle.focus({ preventScroll: true });
}).observe(document, { childList: true, subtree: true });
