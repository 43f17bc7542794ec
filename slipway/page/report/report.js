// The content of a tab comes when it is opened: listeners stand on the element around it.
const base = slipAddress(".").replace(/\/$/, "").replaceAll("'", "%27").replaceAll('"', "%22");

function address() {
  for (const span of element.querySelectorAll(".slip-address")) if (span.textContent !== base) span.textContent = base;
  for (const link of element.querySelectorAll(".slip-docs")) link.href = base + "/docs";
}

function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  const box = button.closest(".slip-call");
  const code = box.querySelector("code");
  const status = box.querySelector('[role="status"]');
  try {
    // Not there on plain http, and a browser may forbid it.
    await navigator.clipboard.writeText(code.textContent);
    status.textContent = button.dataset.copied;
  } catch {
    select(code);
    status.textContent = button.dataset.selected;
  }
}

function sort(button) {
  const head = button.closest("th");
  const column = head.cellIndex;
  const body = head.closest("table").tBodies[0];
  const falls = head.getAttribute("aria-sort") !== "descending";
  const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const numeric = [...body.rows].some((row) => row.cells[column].dataset.value !== undefined);
  const number = (row) => (value(row) === "" ? NaN : Number(value(row)));
  const compare = (one, other) => {
    if (!numeric) return value(one).localeCompare(value(other));
    const [a, b] = [number(one), number(other)];
    return isNaN(a) - isNaN(b) || (a - b) || 0;  // what was not measured stands last when rising
  };
  const rows = [...body.rows].sort((one, other) => (falls ? -compare(one, other) : compare(one, other)));
  body.append(...rows);
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", falls ? "descending" : "ascending");
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// A text that a spreadsheet would take for a formula is kept a text; marks that keep a text to itself are for the page alone.
function cell(value) {
  const text = typeof value === "string" ? value.replace(/[\u2068\u2069]/g, "").replace(/^[=+\-@\t\r]/, "'$&") : String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Outside of the page a picture has no style sheet: what it is drawn with is written into it.
const DRAWN = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "font-size", "font-family"];

const ground = () => getComputedStyle(element.querySelector(".slip-parts")).backgroundColor;

function picture(svg) {
  const copied = svg.cloneNode(true);
  const from = [svg, ...svg.querySelectorAll("*")];
  [copied, ...copied.querySelectorAll("*")].forEach((node, at) => {
    const style = getComputedStyle(from[at]);
    for (const name of DRAWN) node.setAttribute(name, style.getPropertyValue(name));
  });
  const { width, height } = svg.viewBox.baseVal;
  for (const [name, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height })) copied.setAttribute(name, value);
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ width, height, fill: ground() })) back.setAttribute(name, value);
  copied.prepend(back);
  return { text: new XMLSerializer().serializeToString(copied), width, height };
}

const EDGE = 12; // pixels around it

// What the browser has laid out is put into a picture as it stands, with each style as it was computed.
function laidOut(chart) {
  const copied = chart.cloneNode(true);
  const from = [chart, ...chart.querySelectorAll("*")];
  [copied, ...copied.querySelectorAll("*")].forEach((node, at) => {
    const style = getComputedStyle(from[at]);
    node.style.cssText = [...style].map((name) => `${name}:${style.getPropertyValue(name)}`).join(";");
    node.style.overflow = "visible";
  });
  copied.querySelector(".slip-save").remove();
  const buttons = chart.querySelector(".slip-save");
  const shown = from.filter((node) => !buttons.contains(node)).map((node) => node.getBoundingClientRect());
  const place = chart.getBoundingClientRect();
  const [inner, tall] = [Math.max(...shown.map(({ right }) => right)) - place.left, buttons.getBoundingClientRect().top - place.top].map(Math.ceil);
  Object.assign(copied.style, { width: `${inner}px`, height: `${tall}px`, margin: "0", padding: `${EDGE}px`, boxSizing: "content-box", background: ground() });
  const [width, height] = [inner + 2 * EDGE, tall + 2 * EDGE];
  const inside = new XMLSerializer().serializeToString(copied);
  return { text: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${inside}</foreignObject></svg>`, width, height };
}

async function png({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`; // from a blob, what was laid out could not be read again
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: 3 * width, height: 3 * height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

async function saveChart(button) {
  const chart = button.closest(".slip-chart");
  const { name, figures } = chart.dataset;
  const kind = button.dataset.save;
  // The mark before the text is how spreadsheets know that it is UTF-8.
  if (kind === "csv") return save(new Blob(["\ufeff", JSON.parse(figures).map((row) => row.map(cell).join(",") + "\r\n").join("")], { type: "text/csv" }), `${name}.csv`);
  const drawn = chart.querySelector('[data-save="svg"]') ? picture(chart.querySelector("svg")) : laidOut(chart);
  save(kind === "svg" ? new Blob([drawn.text], { type: "image/svg+xml" }) : await png(drawn), `${name}.${kind}`);
}

// The counts of right and wrong predictions at another threshold than the version's.
function threshold(input, own) {
  const box = input.closest(".slip-confusion");
  const { counts, first, exact, matrix, text } = box.dataset;
  const { positives, negatives, found, alarms } = JSON.parse(counts);
  const number = (value) => value.toLocaleString(document.documentElement.lang);
  const share = (value, whole) => (value / (whole || 1)).toLocaleString(document.documentElement.lang, { style: "percent" });
  const step = Number(input.value);
  const at = own ? box.dataset.own : share(step, 100);
  const [hit, alarmed] = own ? JSON.parse(exact) : [found[step], alarms[step]];
  const cells = first === "1" ? [[negatives - alarmed, alarmed], [positives - hit, hit]] : [[hit, positives - hit], [alarmed, negatives - alarmed]];
  [...box.querySelector("tbody").rows].forEach((row, actual) => cells[actual].forEach((count, predicted) => {
    const shown = row.cells[predicted + 1];
    shown.textContent = (actual === predicted ? "✓ " : "") + number(count);
    shown.style.setProperty("--share", count / (cells[actual][0] + cells[actual][1] || 1));
  }));
  const words = { threshold: at, found: number(hit), positives: number(positives), detected: share(hit, positives), alarms: number(alarmed), negatives: number(negatives), right: share(hit + negatives - alarmed, positives + negatives) };
  box.querySelector("output").textContent = text.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  input.setAttribute("aria-valuetext", at);
  box.querySelector("[data-own]").textContent = at;
  box.querySelector("button[data-reset]").disabled = own;
  const chart = box.querySelector(".slip-chart");
  chart.dataset.figures = JSON.stringify(JSON.parse(matrix).map((row, i) => (i ? [row[0], ...cells[i - 1]] : row)));
}

element.addEventListener("input", (event) => {
  if (event.target.matches(".slip-confusion input")) threshold(event.target, false);
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("slip-copy")) copy(button);
  if (button.classList.contains("slip-sort")) sort(button);
  if (button.dataset.save === "card") save(new Blob([button.dataset.text], { type: "text/markdown" }), button.dataset.name);
  else if (button.dataset.save) saveChart(button);
  if (button.dataset.reset) {
    const input = button.closest(".slip-confusion").querySelector("input");
    input.value = button.dataset.reset;
    threshold(input, true);
    input.focus();
  }
});
new MutationObserver(address).observe(element, { childList: true, subtree: true });
address();
