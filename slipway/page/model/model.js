// The tab's content comes when it is opened: listeners stand on the element around it.
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

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.classList.contains("slip-copy")) copy(button);
  if (button?.classList.contains("slip-sort")) sort(button);
});
new MutationObserver(address).observe(element, { childList: true, subtree: true });
address();
