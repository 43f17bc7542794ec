// People side by side: columns are copied from the answer panel; the last one is the form as it stands.
const section = element.querySelector(".slip-compare");
const texts = section.dataset;
const MOST = 6;
let kept = [];
let watching = null;

const make = (tag, text, className) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
};

const answered = () => document.querySelector(".slip-answer");

function current() {
  const panel = answered();
  if (panel?.dataset.fragment === undefined || panel.dataset.state) return null;
  const said = (selector) => panel.querySelector(selector)?.textContent ?? "";
  return {
    fragment: panel.dataset.fragment,
    inputs: [...panel.querySelectorAll(".slip-inputs tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
    answer: [".slip-sentence", ".slip-interval", ".slip-verdict"].map(said).filter(Boolean),
  };
}

// While the answer is not that of the form: nothing that could be taken for it.
const pending = () => ({ answer: ["…"], inputs: kept[0].inputs.map(([label]) => [label, "…"]) });

function heading(column, number) {
  const cell = make("th", column.now ? texts.now : `${texts.case} ${number + 1}`);
  cell.scope = "col";
  if (column.now) return cell;
  const open = make("a", texts.open);
  open.href = `#${column.fragment}`;
  open.target = "_blank"; // here the comparison would be gone
  open.rel = "noopener";
  const remove = make("button", texts.remove);
  remove.type = "button";
  remove.setAttribute("aria-label", `${texts.remove}: ${cell.textContent}`);
  remove.addEventListener("click", () => {
    kept = kept.filter((other) => other !== column);
    render();
    document.querySelector('[data-tool="compare"]')?.focus();
  });
  cell.append(open, remove);
  return cell;
}

function line(label, cells) {
  const row = make("tr");
  const head = row.appendChild(make("th", label));
  head.scope = "row";
  for (const [position, cell] of cells.entries()) {
    const node = row.appendChild(make("td"));
    for (const part of [cell].flat()) node.append(make("span", part));
    if (position && String(cell) !== "…" && String(cell) !== String(cells[0])) {
      node.className = "slip-differs";
      node.append(make("span", texts.differs, "slip-hidden"));
    }
  }
  return row;
}

function render() {
  section.hidden = kept.length === 0;
  if (section.hidden) return section.replaceChildren();
  const now = answered()?.dataset.state ? pending() : current();
  const columns = now ? [...kept, { ...now, now: true }] : kept;
  const table = make("table");
  const head = table.createTHead().insertRow();
  head.append(make("td"), ...columns.map(heading));
  const body = table.createTBody();
  body.append(line(texts.answer, columns.map((column) => column.answer)));
  body.rows[0].className = "slip-compared-answer";
  columns[0].inputs.forEach(([label], row) => body.append(line(label, columns.map((column) => column.inputs[row][1]))));
  const scroll = make("div", undefined, "slip-scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", texts.title);
  scroll.append(table);
  section.replaceChildren(make("h2", texts.title), make("p", texts.note, "slip-small"), scroll);
}

function watch(node) {
  // An answer that is due for less than one would notice does not empty its column first.
  const observer = new MutationObserver(() => kept.length && answered()?.dataset.state !== "due" && render());
  observer.observe(node, { childList: true, subtree: true, attributeFilter: ["data-state"] });
  return observer;
}

// Called by the button under the answer; false if there is no room.
window.slipCompare = () => {
  const now = current();
  if (!now || kept.length === MOST) return false;
  kept.push(now);
  // Now and not before: when this script runs, the panel is not yet in the document.
  watching ??= watch(document.querySelector(".slip-side"));
  render();
  return true;
};
