// The batch tab: takes a file, posts it, and shows what came of it. Nothing is kept but the answer on the screen.
const root = element.querySelector(".slip-batch");
const { texts, onLine, language, tag, columns, labels, example, target, added, addedReasons, bytes, reasons, threshold, reader } =
  JSON.parse(root.dataset.batch);
const status = root.querySelector(".slip-batch-status");
const result = root.querySelector(".slip-batch-result");
const drop = root.querySelector(".slip-drop");
const input = drop.querySelector("input");
const pasted = root.querySelector(".slip-paste textarea");
const tick = root.querySelector(".slip-reasons-tick");
const limit = root.querySelector(".slip-batch-threshold");
const MEGABYTE = 1024 * 1024;
const PASTED = "text/plain"; // the type of a file that was made of pasted text
const PACKED = /\.(gz|bz2|xz|zst|zip)$/i;
const BINARY = /^(PK|\ufffd|\x1f|BZh|\(\ufffd)/; // how a workbook or a packed file begins, read as UTF-8
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
  return form.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? whole(values[name]) : isolate(values[name])));
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

// What the server refused, in words. A visitor cannot change a setting of the server, so its name is left out.
const forVisitors = (error) => error.replace(/\s*[(（]SLIPWAY_\w+[)）]/g, "");

// For missing columns also what it found in the file instead, and which of that they may be; `again` sends the file with what was chosen.
function refuse(text, code, chosen, again) {
  const refusal = refusalOf(text);
  if (!refusal) { // a proxy's own page
    tell(t("batch.failed", { status: code }), "slip-error");
    return;
  }
  const lost = (refusal.details ?? []).filter((one) => one.code === "missing_column").map((one) => one.field);
  if (!lost.length) {
    tell(t("batch.refused", { name: chosen.name, error: forVisitors(refusal.error) }), "slip-error");
    return;
  }
  tell(t("batch.needed", { count: lost.length, name: chosen.name }), "slip-error");
  result.append(
    ...columnChoice(lost, refusal, again),
    ...understood({
      matched: columns.filter((name) => !lost.includes(name)),
      ignored: refusal.header.filter((name) => !columns.includes(name)),
      missing: lost,
    }),
  );
}

// A table of predictions and nothing else: a proxy may answer with a page of its own, and call it a success.
async function answered(answer, chosen) {
  const form = JSON.parse(answer.headers.get("X-Form"));
  if (!form) throw new Unfit(t("batch.unanswered", { name: chosen.name, status: answer.status }));
  const spelt = JSON.parse(answer.headers.get("X-Matched-Columns") ?? "{}");
  const parts = await answer.formData();
  return { text: parts.get("table"), file: parts.get("file"), form, spelt, isEscaped: answer.headers.has("X-Escaped-Rows") };
}

// The slider of the form is carried over when it was moved since this tab was last shown. It goes in steps: one beside the version's threshold stands for it.
if (limit) {
  let carried = threshold;
  new IntersectionObserver(([seen]) => {
    const slider = document.querySelector(".slip-threshold input[type=range]");
    if (!seen.isIntersecting || !slider) return;
    const chosen = Math.abs(slider.value - threshold) > 0.005 ? Number(slider.value) : threshold;
    if (chosen !== carried) limit.value = Math.round((carried = chosen) * 1e6) / 1e4;
  }).observe(root);
}

// As a share; null where it is the version's own.
function moved() {
  const chosen = limit && limit.value !== "" ? Math.round(limit.value * 1e6) / 1e8 : threshold;
  return limit && Math.abs(chosen - threshold) > 1e-9 ? chosen : null;
}

// The server's answer to a file, and what is in it.
async function post(body, chosen, { explains, threshold: otherThreshold, taken }, signal) {
  const form = new FormData();
  form.append("file", body, chosen.name);
  if (explains) form.append("reasons", "true");
  if (otherThreshold !== null) form.append("threshold", otherThreshold);
  if (taken) form.append("columns", JSON.stringify(taken));
  form.append("for_spreadsheets", "true");
  const call = { method: "POST", body: form, headers: { Accept: "multipart/form-data" }, signal };
  const answer = await fetch(slipAddress(`predict_csv?lang=${language}`), call);
  return [answer, await (answer.ok ? answered(answer, chosen) : answer.text())];
}

// `taken` has the field of each column that the person has chosen for one.
async function send(chosen, taken) {
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
    const otherThreshold = moved();
    const ask = () => post(body, chosen, { explains, threshold: otherThreshold, taken }, mine.signal);
    let [answer, content] = await ask();
    if (isLatest() && explains && !answer.ok && refusalOf(content)?.code === "too_many_rows") {
      wait((explains = false));
      [answer, content] = await ask();
    }
    if (!isLatest()) return;
    if (!answer.ok) return refuse(content, answer.status, chosen, (columnsOf) => send(chosen, columnsOf));
    const count = show(content, chosen, isParquet, explains);
    if (otherThreshold !== null) {
      const [there, own] = [otherThreshold, threshold].map((one) => one.toLocaleString(tag, { style: "percent", maximumFractionDigits: 1 }));
      result.prepend(make("p", t("batch.threshold_moved", { threshold: there, own }), "slip-note"));
    }
    if (asked && !explains) result.prepend(make("p", t("batch.reasons_too_many", { count, most: reasons.most }), "slip-note"));
  } catch (fault) {
    if (!isLatest()) return;
    if (fault instanceof Unfit) tell(fault.message, "slip-error");
    else tell(t("batch.offline"), "slip-error", button(t("batch.again"), () => send(chosen, taken)));
  }
}

root.querySelector(".slip-template").href = file(
  [columns, columns.map((name) => example[name] ?? "")].map((row) => row.map((c) => quoted(String(c), ",")).join(",") + "\n").join(""),
);
input.addEventListener("change", () => send(input.files[0]));
// Wherever on the tab a file is let go: beside the field, a browser would leave the page for it.
for (const kind of ["dragover", "dragleave", "drop"]) {
  root.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.toggle("slip-over", kind === "dragover");
    if (kind !== "drop") return;
    if (event.dataTransfer.files.length > 1) tell(t("batch.one_file", { count: event.dataTransfer.files.length }), "slip-error");
    else send(event.dataTransfer.files[0]);
  });
}
root.querySelector(".slip-paste button").addEventListener("click", () => {
  const isEmpty = !pasted.value.trim();
  pasted.setAttribute("aria-invalid", isEmpty);
  if (!isEmpty) return send(new File([pasted.value], t("batch.pasted"), { type: PASTED }));
  tell(t("batch.paste_empty"), "slip-error");
  pasted.focus();
});
