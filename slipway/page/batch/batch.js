// The batch tab: takes a file, posts it, and shows what came of it. Nothing is kept but the answer on the screen.
const root = element.querySelector(".slip-batch");
const { texts, language, tag, columns, labels, example, target, added, addedReasons, bytes, reasons, reader } =
  JSON.parse(root.dataset.batch);
const status = root.querySelector(".slip-batch-status");
const result = root.querySelector(".slip-batch-result");
const drop = root.querySelector(".slip-drop");
const input = drop.querySelector("input");
const tick = root.querySelector(".slip-reasons-tick");
const LISTED = 20;
const MEGABYTE = 1024 * 1024;
const SEPARATORS = { ",": "batch.comma", ";": "batch.semicolon", "\t": "batch.tab", " ": "batch.space" };
const PACKED = /\.(gz|bz2|xz|zst|zip)$/i;
const BINARY = /^(PK|\ufffd|\x1f|BZh|\(\ufffd)/; // how a workbook or a packed file begins, read as UTF-8
const OWN = { warnings: "batch.warnings", problems: "batch.problems" }; // columns of the answer that are texts
let current = null; // of the file under way: what would call it off
let links = []; // addresses of files offered, to be given back

const make = (tag, text, className) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
};
const formatter = (options) => new Intl.NumberFormat(tag, options).format;
const whole = formatter();
const plurals = new Intl.PluralRules(tag);

// A text of the catalogue, filled in; `count` also chooses its plural form.
function t(key, values = {}) {
  const form = typeof texts[key] === "string" ? texts[key] : texts[key][plurals.select(values.count)];
  return form.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? whole(values[name]) : values[name]));
}
const written = formatter({ minimumFractionDigits: target.decimals, maximumFractionDigits: target.decimals });
const OTHER_MARK = { ",": ".", ".": "," };
// A number of the target, with the decimal mark of its column; and with its unit, where the column has it.
const figure = (number) => (target.swapped ? written(number).replace(/[.,]/g, (mark) => OTHER_MARK[mark]) : written(number));
function amount(number) {
  const [sign, digits] = /^([-−]?)(.*)$/.exec(figure(number)).slice(1);
  return target.amount.startsWith("{}") ? target.amount.replace("{}", () => sign + digits) : sign + target.amount.replace("{}", () => digits);
}
// The lower end of a range: with its unit, unless that is a word of its own, which follows the upper end.
const lower = (number) => (target.amount.startsWith("{} ") ? figure(number) : amount(number));
const percent = formatter({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const file = (text) => URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv;charset=utf-8" }));
const painted = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));

// A file that cannot be predicted; the text is for the person.
class Unfit extends Error {}

function button(text, act) {
  const node = make("button", text, "slip-action");
  node.addEventListener("click", act);
  return node;
}

function tell(text, className, ...actions) {
  status.replaceChildren(make("p", text, className), ...actions);
}

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
    } else if (name === "threshold" || name === "codes") return;  // the same in every row, or for programs: in the file
    else if (rows.some((row) => row[at] !== "")) add(t(OWN[name]), (row) => row[at]);
  });
  return found;
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

  const values = { good: rows.length - faulty.size, count: rows.length, name: chosen.name };
  tell(t("batch.done", values), "slip-done");
  const link = make("a", t("batch.download"), "slip-download");
  link.href = URL.createObjectURL(file);
  links.push(link.href);
  link.download = `${chosen.name.replace(PACKED, "").replace(/\.\w+$/, "")}-predictions.${file.name.split(".").at(-1)}`;
  result.replaceChildren(link);
  if (isEscaped) result.append(make("p", t("batch.escaped"), "slip-small"));

  const ignored = given.filter((name) => !used.includes(name));
  const matched = columns.map((name) => (name in spelling ? t("batch.spelt", { name, spelling: spelling[name] }) : name));
  result.append(...understood({ rows: rows.length, form: formOf(form, isParquet), matched, ignored, missing: [] }));

  const predicted = rows.filter((_, i) => !faulty.has(i)).map((row) => row[first]);
  if (predicted.length) {
    const isClass = Object.keys(target.classes).length > 0;
    result.append(make("h2", isClass ? t("batch.classes") : t("batch.histogram")));
    result.append(isClass ? classBars(predicted) : histogram(predicted.map(Number)));
  }
  if (faulty.size) result.append(make("h2", t("batch.faulty")), faultyList(rows, faulty));
  const theirs = given.slice(0, FILE_COLUMNS).map((title, i) => ({ title, write: (row) => row[i], key: i, mine: false }));
  result.append(make("h2", t("batch.table")), table(rows, [...ourColumns(rows, ours, first), ...theirs], faulty, form.decimal === ","));
  if (given.length > FILE_COLUMNS) {
    result.append(make("p", t("batch.columns_left", { count: given.length - FILE_COLUMNS }), "slip-small"));
  }
  return rows.length;
}

function faultyList(rows, faulty) {
  const list = make("ul", undefined, "slip-faulty");
  for (const position of [...faulty].slice(0, LISTED)) list.append(make("li", rows[position].at(-1)));
  if (faulty.size > LISTED) list.append(make("li", t("batch.more", { count: faulty.size - LISTED })));
  return list;
}

// The file as it is sent: CSV as it is, Parquet as CSV.
async function prepared(chosen) {
  const magic = await chosen.slice(0, 4).text();
  const isParquet = magic === "PAR1" || /\.(parquet|pq)$/i.test(chosen.name);
  let body = chosen;
  const mustFit = (key) => {
    const size = (body.size / MEGABYTE).toLocaleString(tag, { maximumFractionDigits: 1 });
    if (body.size > bytes) throw new Unfit(t(key, { name: chosen.name, size, limit: bytes / MEGABYTE }));
  };
  mustFit("batch.too_big");
  if (!isParquet) {
    const isCounted = !BINARY.test(magic) && reasons && tick.checked;
    return { body, isParquet, rows: isCounted ? countRows(new Uint8Array(await chosen.arrayBuffer())) : 0 };
  }
  if (magic !== "PAR1") throw new Unfit(t("batch.unread", { name: chosen.name, reason: t("batch.unread_none") }));
  const library = await readerOfParquet();
  let converted;
  try {
    converted = await csvOfParquet(await chosen.arrayBuffer(), library);
  } catch (fault) {
    throw new Unfit(t("batch.unread", { name: chosen.name, reason: String(fault.message).slice(0, 200) }));
  }
  body = new Blob([converted.text], { type: "text/csv" });
  mustFit("batch.too_big_text");
  return { body, isParquet, rows: converted.count };
}

let attempts = 0; // a browser may remember that an address could not be loaded
const readerOfParquet = () => {
  const again = attempts++ ? `&again=${attempts}` : "";
  return import(slipAddress(`ui/${reader}${again}`)).then((found) => { attempts = 0; return found; });
};

// A refusal in the shape of the API; null for whatever else.
function refusalOf(text) {
  try {
    const refusal = JSON.parse(text);
    return typeof refusal?.error === "string" ? refusal : null;
  } catch {
    return null;
  }
}

// What the server refused, in words; for missing columns also what it found in the file instead.
function refuse(text, code, chosen) {
  const refusal = refusalOf(text);
  if (!refusal) { // a proxy's own page
    tell(t("batch.failed", { status: code }), "slip-error");
    return;
  }
  const lost = (refusal.details ?? []).filter((one) => one.code === "missing_column").map((one) => ({
    name: one.field,
    near: one.value, // the most similar name in the file
  }));
  if (!lost.length) {
    tell(t("batch.refused", { name: chosen.name, error: refusal.error }), "slip-error");
    return;
  }
  tell(t("batch.needed", { name: chosen.name }), "slip-error");
  result.append(...understood({
    matched: columns.filter((name) => !lost.some((one) => one.name === name)),
    ignored: (refusal.header ?? []).filter((name) => !columns.includes(name)),
    missing: lost.map(({ name, near }) => (near ? t("batch.nearest", { name, near }) : name)),
  }));
}

// A table of predictions and nothing else: a proxy may answer with a page of its own, and call it a success.
async function answered(answer, chosen) {
  const form = JSON.parse(answer.headers.get("X-Form"));
  if (!form) throw new Unfit(t("batch.unanswered", { name: chosen.name, status: answer.status }));
  const spelt = JSON.parse(answer.headers.get("X-Matched-Columns") ?? "{}");
  const parts = await answer.formData();
  return { text: parts.get("table"), file: parts.get("file"), form, spelt, isEscaped: answer.headers.has("X-Escaped-Rows") };
}

// The server's answer to a file, and what is in it.
async function post(body, chosen, explains, signal) {
  const form = new FormData();
  form.append("file", body, chosen.name);
  if (explains) form.append("reasons", "true");
  form.append("for_spreadsheets", "true");
  const call = { method: "POST", body: form, headers: { Accept: "multipart/form-data" }, signal };
  const answer = await fetch(slipAddress(`predict_csv?lang=${language}`), call);
  return [answer, await (answer.ok ? answered(answer, chosen) : answer.text())];
}

async function send(chosen) {
  if (!chosen) return;
  input.value = ""; // so that the same file can be chosen again
  current?.abort();
  const mine = (current = new AbortController());
  const isLatest = () => current === mine;
  links.splice(0).forEach((link) => URL.revokeObjectURL(link));
  result.replaceChildren();
  const cancel = () => button(t("batch.cancel"), () => { mine.abort(); current = null; status.replaceChildren(); });
  tell(t("batch.reading", { name: chosen.name }), "", cancel());
  try {
    await painted();
    const { body, isParquet, rows } = await prepared(chosen);
    if (!isLatest()) return;
    const asked = Boolean(reasons && tick.checked);
    const wait = (explains) => {
      const seconds = explains ? Math.max(1, Math.round(rows * reasons.seconds)) : 0;
      tell(t(explains && rows ? "batch.explaining" : "batch.working", { name: chosen.name, count: rows, seconds }), "", cancel());
    };
    let explains = asked && rows <= reasons.most;
    wait(explains);
    let [answer, content] = await post(body, chosen, explains, mine.signal);
    if (isLatest() && explains && !answer.ok && refusalOf(content)?.code === "too_many_rows") {
      wait((explains = false));
      [answer, content] = await post(body, chosen, explains, mine.signal);
    }
    if (!isLatest()) return;
    if (!answer.ok) return refuse(content, answer.status, chosen);
    const count = show(content, chosen, isParquet, explains);
    if (asked && !explains) result.prepend(make("p", t("batch.reasons_too_many", { count, most: reasons.most }), "slip-note"));
  } catch (fault) {
    if (!isLatest()) return;
    if (fault instanceof Unfit) tell(fault.message, "slip-error");
    else tell(t("batch.offline"), "slip-error", button(t("batch.again"), () => send(chosen)));
  }
}

root.querySelector(".slip-template").href = file(
  [columns, columns.map((name) => example[name] ?? "")].map((row) => row.map((c) => quoted(String(c), ",")).join(",") + "\n").join(""),
);
input.addEventListener("change", () => send(input.files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("slip-over", kind === "dragover");
    if (kind === "drop") send(event.dataTransfer.files[0]);
  });
}
