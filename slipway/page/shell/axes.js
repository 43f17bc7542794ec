// An axis shows as many of its labels as there is room for: all of them, or every second, third, and so on.
// One that would stick out of the chart at an end is moved inwards.
const AXES = ".slip-curve-x, .slip-axis-labels, .slip-hist-axis";
const GAP = 6; // pixels between two labels, at least
const OUT = 12; // pixels that a label may stick out

function moveInwards(label, room) {
  label.style.translate = "";
  const box = label.getBoundingClientRect();
  const by = Math.max(room.left - OUT - box.left, 0) + Math.min(room.right + OUT - box.right, 0);
  if (by) label.style.translate = `${by}px`;
}

function fit(axis) {
  const labels = [...axis.children], room = axis.getBoundingClientRect();
  for (let every = 1; every <= labels.length; every++) {
    labels.forEach((label, at) => { label.hidden = at % every > 0; });
    const shown = labels.filter((label) => !label.hidden);
    for (const label of shown) moveInwards(label, room);
    const boxes = shown.map((label) => label.getBoundingClientRect());
    if (boxes.every((box, at) => !at || box.left >= boxes[at - 1].right + GAP)) return;
  }
}

function axesOf({ target, addedNodes }) {
  const around = (target.closest ? target : target.parentElement)?.closest(AXES);
  if (around) return [around];
  const added = [...addedNodes].filter((node) => node.nodeType === Node.ELEMENT_NODE);
  return added.flatMap((node) => (node.matches(AXES) ? [node] : [...node.querySelectorAll(AXES)]));
}

// Gradio changes what is drawn in place, attributes too, and takes back what was hidden here.
const drawn = new MutationObserver((changes) => {
  const axes = new Set(changes.flatMap(axesOf));
  for (const axis of axes) widths.observe(axis);
  fitAll(axes);
});
const widths = new ResizeObserver((changes) => fitAll(changes.map(({ target }) => target)));

function fitAll(axes) {
  axes.forEach(fit);
  drawn.takeRecords(); // its own changes are no reason to begin again
}

drawn.observe(document, { childList: true, characterData: true, subtree: true, attributeFilter: ["style", "hidden"] });
