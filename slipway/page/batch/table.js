// The rows of an answer as a table: a page of it at a time, sorted and filtered.
const PAGE_ROWS = 50;
const FILE_COLUMNS = 40;
const LONG = 200;
const BLANK = /^\s*$/;

// Sort keys of one column: numbers where every cell is one, else text; empty cells come last either way.
function sortKeys(rows, column, comma) {
  const cells = rows.map((row) => row[column]);
  const numeric = cells.every((cell) => BLANK.test(cell) || (NUMBER.test(cell) && (comma || !cell.includes(","))));
  return cells.map((cell) => (BLANK.test(cell) ? null : numeric ? Number(cell.replace(",", ".")) : cell));
}

function sorted(order, keys, down) {
  const collator = new Intl.Collator(tag, { numeric: true });
  const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));
  return order.sort((i, j) => {
    if (keys[i] === null || keys[j] === null) return (keys[i] === null) - (keys[j] === null) || i - j;
    return (down ? -compare(keys[i], keys[j]) : compare(keys[i], keys[j])) || i - j;
  });
}

// `columns` are {title, write(row), whole?(row), more?(row), opens?, key?, mine, isNumber}: what stands in the head and cells, and
// unabridged; what is said below a row that has more, and on the button that shows it; which column of the file it sorts by
// (none: it cannot), whether it is ours, and set as numbers are.
function table(rows, columns, faulty, comma) {
  const box = make("div", undefined, "slip-table");
  const tools = box.appendChild(make("div", undefined, "slip-table-tools"));
  const search = tools.appendChild(make("label", t("batch.filter") + " ")).appendChild(make("input"));
  search.type = "search";
  let only = null;
  if (faulty.size) {
    const label = tools.appendChild(make("label"));
    only = label.appendChild(make("input"));
    only.type = "checkbox";
    label.append(" " + t("batch.only_faulty", { count: faulty.size }));
  }
  const scroll = box.appendChild(make("div", undefined, "slip-scroll"));
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", t("batch.table"));
  const node = scroll.appendChild(make("table"));
  const head = node.createTHead().insertRow();
  const body = node.createTBody();
  const turn = box.appendChild(make("div", undefined, "slip-turn"));
  const previous = turn.appendChild(make("button", t("batch.previous")));
  const shown = turn.appendChild(make("span"));
  shown.setAttribute("role", "status");
  const next = turn.appendChild(make("button", t("batch.next")));

  const look = (column) => (column.mine ? "slip-mine" : "") + (column.isNumber ? " slip-number" : "");
  let order = rows.map((_, i) => i), by = -1, down = false, page = 0;

  function render() {
    const first = page * PAGE_ROWS;
    const part = order.slice(first, first + PAGE_ROWS);
    body.replaceChildren(...part.flatMap((position) => {
      const line = make("tr");
      const lines = [line];
      line.append(make("td", whole(position + 1)));
      for (const column of columns) {
        const text = column.write(rows[position]), full = column.whole?.(rows[position]) ?? text;
        const cell = line.appendChild(make("td", text.length > LONG ? text.slice(0, LONG) + "…" : text, look(column)));
        if (text.length > 40 || full !== text) cell.title = full.slice(0, 2000);
        const more = column.more?.(rows[position]);
        if (more) lines.push(detail(cell, more, column.opens, position));
      }
      return lines;
    }));
    shown.textContent = order.length
      ? t("batch.shown", { first: first + 1, last: first + part.length, count: order.length })
      : t("batch.shown_none");
    previous.disabled = page === 0;
    next.disabled = first + PAGE_ROWS >= order.length;
  }

  // A line below a row that says more of it, shown by a button in one of its cells; of rows that are all like this, at once.
  function detail(cell, text, opens, position) {
    const line = make("tr", undefined, "slip-detail");
    const opener = make("button", opens, "slip-opener");
    line.id = `slip-detail-${position}`;
    line.appendChild(make("td")).colSpan = columns.length + 1;
    line.firstChild.append(make("div", text));
    opener.setAttribute("aria-controls", line.id);
    const show = (isOpen) => { line.hidden = !isOpen; opener.setAttribute("aria-expanded", isOpen); };
    opener.addEventListener("click", () => show(line.hidden));
    show(Boolean(only?.checked));
    cell.replaceChildren(opener);
    return line;
  }

  function arrange() {
    const wanted = search.value.trim().toLowerCase();
    order = rows.map((_, i) => i);
    if (only?.checked) order = order.filter((i) => faulty.has(i));
    if (wanted) order = order.filter((i) => searched(rows[i]).includes(wanted));
    if (by >= 0) order = sorted(order, sortKeys(rows, columns[by].key, comma && !columns[by].mine), down);
    else if (down) order.reverse();
    page = 0;
    render();
  }

  // Every cell as it stands in the file; of ours also what the page says in its place.
  const worded = columns.filter((column) => column.mine && !column.isNumber && column.key !== undefined);
  const searched = (row) => [...row, ...worded.map((column) => column.write(row))].join("\u0001").toLowerCase();

  function heading(column, position) {
    const cell = head.appendChild(make("th", undefined, look(column)));
    cell.scope = "col";
    if (column.key === undefined) { cell.textContent = column.title; return; }
    const button = cell.appendChild(make("button", column.title));
    cell.setAttribute("aria-sort", position === by ? "ascending" : "none");
    button.addEventListener("click", () => {
      down = by === position && !down;
      by = position;
      for (const other of head.cells) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      arrange();
    });
  }
  heading({ title: t("batch.row"), key: -1 }, -1);
  columns.forEach(heading);

  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(arrange, 150); });
  only?.addEventListener("change", arrange);
  previous.addEventListener("click", () => { page--; render(); });
  next.addEventListener("click", () => { page++; render(); });
  render();
  return box;
}
