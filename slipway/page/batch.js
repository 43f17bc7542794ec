const root = element.querySelector(".slip-batch");
const { texts, columns, example } = JSON.parse(root.dataset.batch);
const result = root.querySelector(".slip-batch-result");
const drop = root.querySelector(".slip-drop");
const input = drop.querySelector("input");
const SHOWN = 20;
const SEPARATORS = { comma: ",", semicolon: ";", tab: "\t" };

const make = (tag, text, className) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const file = (text) => URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv;charset=utf-8" }));
const quoted = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function parse(text, separator) {
  const rows = [];
  let row = [], cell = "", inside = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inside) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += c; i++; }
      else inside = false;
    } else if (c === '"') inside = true;
    else if (c === separator) { row.push(cell); cell = ""; }
    else if (c === "\n") { row.push(cell); rows.push(row); row = []; cell = ""; }
    else cell += c;
  }
  return rows;
}

function table(header, rows) {
  const box = make("div", undefined, "slip-scroll");
  const node = box.appendChild(make("table"));
  const first = header.findLastIndex((name) => /^prediction(\.\d+)?$/.test(name));  // ours are the last ones
  const mine = (i) => (i >= first ? "slip-mine" : "");
  const head = node.createTHead().insertRow();
  header.forEach((name, i) => head.appendChild(make("th", name, mine(i))));
  const body = node.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((cell, i) => line.appendChild(make("td", cell, mine(i))));
  }
  return box;
}

function show(text, separator, name) {
  const [header, ...rows] = parse(text, separator);
  const problems = header.length - 1;
  const faulty = rows.filter((row) => row[problems]);
  result.replaceChildren(
    make("p", fill(texts.done, { good: rows.length - faulty.length, rows: rows.length, name }), "slip-done"),
  );
  const link = make("a", texts.download, "slip-download");
  link.href = file(text);
  link.download = name.replace(/\.\w+$/, "") + "-predictions.csv";
  result.append(link);
  if (faulty.length) {
    result.append(make("h3", texts.faulty));
    const list = result.appendChild(make("ul", undefined, "slip-faulty"));
    for (const row of faulty.slice(0, SHOWN)) list.append(make("li", row[problems]));
    if (faulty.length > SHOWN) list.append(make("li", fill(texts.more, { count: faulty.length - SHOWN })));
  }
  result.append(make("h3", texts.first), table(header, rows.slice(0, SHOWN)));
}

async function send(chosen) {
  if (!chosen) return;
  result.replaceChildren(make("p", fill(texts.working, { name: chosen.name })));
  const form = new FormData();
  form.append("file", chosen);
  try {
    const address = location.pathname.replace(/\/ui(\/.*)?$/, "/predict_csv");
    const answer = await fetch(address, { method: "POST", body: form });
    const text = await answer.text();
    if (answer.ok) show(text, SEPARATORS[answer.headers.get("X-Separator")], chosen.name);
    else result.replaceChildren(make("p", JSON.parse(text).error, "slip-error"));
  } catch {
    result.replaceChildren(make("p", texts.offline, "slip-error"));
  }
  input.value = "";
}

root.querySelector(".slip-template").href = file(
  [columns, columns.map((name) => example[name] ?? "")].map((row) => row.map((c) => quoted(String(c))).join(",") + "\n").join(""),
);
input.addEventListener("change", () => send(input.files[0]));
drop.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); input.click(); }
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("slip-over", kind === "dragover");
    if (kind === "drop") send(event.dataTransfer.files[0]);
  });
}
