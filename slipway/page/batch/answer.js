// What came of a file: how it was read, and its predictions as a chart and a table.
const LISTED = 20;
const SEPARATORS = { ",": "batch.comma", ";": "batch.semicolon", "\t": "batch.tab", " ": "batch.space" };

// What is there of columns: their names, or none; never thousands of them.
function names(list) {
  if (!list.length) return make("dd", t("batch.none"));
  const node = make("dd");
  list.slice(0, LISTED).forEach((name, i) => node.append(...(i ? [t("text.comma")] : []), make("code", name)));
  if (list.length > LISTED) node.append(t("text.comma"), t("batch.and_more", { count: list.length - LISTED }));
  return node;
}

function understood({ rows, form, matched, ignored, missing }) {
  const list = make("dl", undefined, "slip-understood");
  const add = (term, description) => list.append(make("dt", term), description);
  if (rows !== undefined) add(t("batch.row_count"), make("dd", whole(rows)));
  if (form) add(t("batch.form"), make("dd", form));
  add(t("batch.matched", { count: matched.length }), names(matched));
  add(t("batch.ignored", { count: ignored.length }), names(ignored));
  add(t("batch.missing", { count: missing.length }), names(missing));
  if (missing.length) list.lastChild.className = "slip-missing";
  return [make("h2", t("batch.understood")), list];
}

// The three fields that weigh most, largest first: "Smoker +20,510; Age +1,843".
function largest(shares) {
  const scale = Object.keys(target.classes).length ? 100 : 1;
  return shares
    .map((cell, i) => [labels[i], cell === "" ? 0 : Number(cell)])
    .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
    .filter(([, share]) => share !== 0)
    .slice(0, 3)
    .map(([label, share]) => {
      const size = scale === 1 ? figure(Math.abs(share)) : (Math.abs(share) * scale).toFixed(1);
      return `${label} ${share < 0 ? "−" : "+"}${size}`;
    })
    .join("; ");
}

// How our own columns stand in the table; `first` is where they begin in a row.
function ourColumns(rows, ours, first) {
  const numbers = (write) => (row, at) => (row[at] === "" ? "" : write(Number(row[at])));
  const found = [];
  let began = false;
  ours.forEach((name, i) => {
    const at = first + i;
    const add = (title, write, isNumber = false) => found.push({ title, write: (row) => write(row, at), key: at, mine: true, isNumber });
    if (name === "prediction" && i === 0) {
      const classes = Object.keys(target.classes).length;
      add(t("batch.prediction"), classes ? (row) => target.classes[row[at]] ?? row[at] : numbers(figure), !classes);
      Object.assign(found[0], { more: (row) => row.at(-1), opens: t("batch.no_prediction") });
    } else if (name === "low") add(t("batch.low"), numbers(figure), true);
    else if (name === "high") add(t("batch.high"), numbers(figure), true);
    else if (name === "base" || name.startsWith("contribution_")) {
      if (began) return;
      began = true;
      const key = !Object.keys(target.classes).length ? "batch.reasons" : target.positive ? "batch.reasons_points" : "batch.reasons_predicted";
      found.push({
        title: t(key, { label: target.positive }),
        write: (row) => largest(row.slice(at + 1, at + 1 + labels.length)),
        mine: true,
      });
    } else if (name.startsWith("probability_")) {
      const label = target.classes[name.slice("probability_".length)];
      if (rows.some((row) => row[at] !== "")) add(t("batch.probability", { label }), numbers(percent), true);
    } else if (["threshold", "codes", "problems"].includes(name)) return;  // the same in every row, for programs, or said of the row
    else if (rows.some((row) => row[at] !== "")) {
      add(t("batch.warnings"), () => "");
      Object.assign(found.at(-1), { more: (row) => row[at], opens: t("batch.note") });
    }
  });
  return found;
}

// What a row without a prediction has instead of one. The line is that of the text or sheet as it was chosen; of what has no lines, nothing is said.
let lineForm = null;
const onItsLine = () => (lineForm ??= new RegExp(`^${onLine.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace("{line}", "(\\d+)").replace("{problems}", "([^]*)")}$`));
function faultAt(position, text, form, chosen, isParquet) {
  const [, line, problems] = onItsLine().exec(text) ?? [null, null, text];
  const values = { row: position + 1, line: Number(line), problems };
  if (isParquet || form.kind === "json" || line === null) return t("batch.at_row", values);
  if (form.kind === "excel") return t("batch.at_sheet", values);
  return t(chosen.type === PASTED ? "batch.at_pasted" : "batch.at_line", values);
}

// The form of the file, in words.
function formOf(form, isParquet) {
  if (isParquet) return t("batch.parquet");
  if (form.kind === "excel") return t("batch.excel", { sheet: form.sheet });
  if (form.kind === "json") return t("batch.records");
  const key = SEPARATORS[form.separator];
  const csv = key ? t(key) : t("batch.separator", { separator: form.separator });
  return form.decimal === "," ? t("batch.decimal_comma", { form: csv }) : csv;
}

// `text` is the answer as CSV, `file` the answer in the form of the chosen file, `form` what the server says of that;
// `spelt` has the field of each column that was taken for it although its name is spelt otherwise. Returns how many rows.
function show({ text, file, form, spelt, isEscaped }, chosen, isParquet, explained) {
  const [header, ...rows] = parse(text, ",");
  const ours = explained ? addedReasons : added;  // the last columns, whatever number one of them was given
  const first = header.length - ours.length;
  const given = header.slice(0, first);
  const faulty = new Set(rows.flatMap((row, i) => (row[header.length - 1] ? [i] : [])));
  const spelling = Object.fromEntries(Object.entries(spelt).map(([found, name]) => [name, found]));
  const used = columns.map((name) => spelling[name] ?? name);

  for (const position of faulty) rows[position].push(faultAt(position, rows[position].pop(), form, chosen, isParquet));
  const values = { good: rows.length - faulty.size, count: rows.length, name: chosen.name };
  tell(t("batch.done", values), "slip-done");
  const link = make("a", t("batch.download"), "slip-download");
  link.href = URL.createObjectURL(file);
  links.push(link.href);
  link.download = `${chosen.name.replace(PACKED, "").replaceAll(" ", "-").replace(/\.\w+$/, "")}-predictions.${file.name.split(".").at(-1)}`;
  result.replaceChildren(link);
  if (isEscaped) result.append(make("p", t("batch.escaped"), "slip-small"));

  if (faulty.size) result.append(make("h2", t("batch.faulty", { count: faulty.size })), faultyList(rows, faulty));
  const ignored = given.filter((name) => !used.includes(name));
  const matched = columns.map((name) => (name in spelling ? t("batch.spelt", { name, spelling: spelling[name] }) : name));
  const beside = result.appendChild(make("div", undefined, "slip-beside"));
  const predicted = rows.filter((_, i) => !faulty.has(i)).map((row) => row[first]);
  if (predicted.length) {
    const isClass = Object.keys(target.classes).length > 0;
    const chart = beside.appendChild(make("div"));
    chart.append(make("h2", isClass ? t("batch.classes") : t("batch.histogram")), isClass ? classBars(predicted) : histogram(predicted.map(Number)));
  }
  beside.appendChild(make("div")).append(...understood({ rows: rows.length, form: formOf(form, isParquet), matched, ignored, missing: [] }));
  const theirs = given.slice(0, FILE_COLUMNS).map((title, i) => fileColumn(rows, title, i));
  result.append(make("h2", t("batch.table")), table(rows, [...ourColumns(rows, ours, first), ...theirs], faulty, form.decimal === ","));
  if (given.length > FILE_COLUMNS) {
    result.append(make("p", t("batch.columns_left", { count: given.length - FILE_COLUMNS }), "slip-small"));
  }
  return rows.length;
}

// A column of the file: its numbers stand below each other, and are rounded here, not in the download.
function fileColumn(rows, title, key) {
  const filled = rows.slice(0, 200).map((row) => row[key]).filter((cell) => !BLANK.test(cell));
  const isNumber = filled.length > 0 && filled.filter((cell) => NUMBER.test(cell)).length >= filled.length * 0.9;
  return { title, write: (row) => rounded(row[key]), whole: (row) => row[key], key, mine: false, isNumber };
}

// A number with more than four decimals, as far as it can be told apart from others; any other text as it is.
function rounded(text) {
  const [, mark] = /^\s*[+-]?\d+([.,])\d{5,}\s*$/.exec(text) ?? [];
  if (!mark) return text;
  const number = Number(text.replace(",", "."));
  const short = Math.abs(number) < 0.001 ? number.toPrecision(3) : String(Number(number.toFixed(4)));
  return short.includes("e") ? text : short.replace(".", mark);
}

function faultyList(rows, faulty) {
  const list = make("ul", undefined, "slip-faulty");
  for (const position of [...faulty].slice(0, LISTED)) list.append(make("li", rows[position].at(-1)));
  if (faulty.size > LISTED) list.append(make("li", t("batch.more", { count: faulty.size - LISTED })));
  return list;
}
