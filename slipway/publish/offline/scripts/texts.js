// Texts, numbers and dates as the server writes them: `slipway/i18n/formats.py` and `faults.py` in JavaScript.

// `language` has the texts of one language: { code, tag, name, texts }.
const state = { model: null, language: null };

function t(key, values = {}) {
  const found = state.language.texts[key];
  const text = typeof found === "string" ? found : found[new Intl.PluralRules(state.language.tag).select(values.count)] ?? found.other;
  return filled(text, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number.isInteger(value) ? decimal(value, 0) : value])));
}

// `{name}` by its value; `{{` and `}}` are braces.
function filled(text, values) {
  return text.replace(/\{\{|\}\}|\{(\w+)\}/g, (found, name) => (name === undefined ? found[0] : isolate(String(values[name] ?? found))));
}

// A text of the use case.
const own = (text) => isolate((text && (text[state.language.code] || text.en)) || "");

// As Python rounds: halves to the even neighbour, of what the double really is.
function rounded(value, decimals) {
  if (!Number.isFinite(value) || decimals > 15) return value;
  const scaled = Number(`${Math.abs(value)}e${decimals}`);
  if (!(scaled < 2 ** 52)) return value;
  return Math.sign(value) * Number(`${roundToEven(scaled)}e-${decimals}`) + 0;
}

const OTHER_MARK = { ".": ",", ",": "." };
const ownMark = () => new Intl.NumberFormat(state.language.tag).formatToParts(1.5).find((part) => part.type === "decimal").value;
const marked = (text, mark) => (!mark || mark === ownMark() ? text : text.replace(/[.,]/g, (one) => OTHER_MARK[one]));

function decimal(value, decimals, mark) {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return marked(new Intl.NumberFormat(state.language.tag, digits).format(rounded(value, decimals)), mark);
}

function share(value, decimals) {
  const digits = { style: "percent", minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat(state.language.tag, digits).format(rounded(value, decimals + 2));
}

const percent = (value) => share(value, value >= 0.01 && value <= 0.99 ? 0 : 1);
const thresholdText = (value) => share(value, Math.abs(value * 100 - Math.round(value * 100)) < 1e-9 ? 0 : 1);

// A number without an exponent.
function written(value) {
  const [digits, exponent] = String(value).split("e");
  if (exponent === undefined) return digits;
  const sign = digits.startsWith("-") ? "-" : "", [whole, rest = ""] = digits.replace("-", "").split(".");
  const place = whole.length + Number(exponent), all = whole + rest;
  if (place <= 0) return `${sign}0.${"0".repeat(-place)}${all}`;
  return sign + (place >= all.length ? all.padEnd(place, "0") : `${all.slice(0, place)}.${all.slice(place)}`);
}

// A value of a field: 18, not 18.0; with separators of thousands from 10,000 on, because 2024 may be a year.
function plain(value, mark) {
  if (typeof value !== "number") return typeof value === "boolean" ? (value ? "True" : "False") : String(value);
  const size = Math.abs(value);
  if (value && !(size >= 1e-4 && size < 1e15)) return marked(String(Number(value.toPrecision(6))), mark);
  const digits = (written(value).split(".")[1] ?? "").length;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: size >= 10_000 };
  return marked(new Intl.NumberFormat(state.language.tag, options).format(value), mark);
}

const markOf = (item) => item.decimal || (ownMark() === "," ? "," : ".");

// A number as it stands in a box: all its digits, without separators of thousands.
const editable = (field, value) => written(value).replace(".", markOf(field));

function withUnit(text, item) {
  const unit = own(item.unit);
  if (!unit) return text;
  const gap = item.unit_place.endsWith("spaced") ? " " : "";
  if (item.unit_place.startsWith("after")) return `${text}${gap}${unit}`;
  const digits = text.replace(/^[-+−]+/, "");
  return `${text.slice(0, text.length - digits.length)}${unit}${gap}${digits}`;
}

const targetNumber = (value, decimals) => decimal(value, decimals ?? state.model.target.decimals, state.model.target.decimal);
const amount = (value, decimals) => withUnit(targetNumber(value, decimals), state.model.target);

// Both ends; a unit that is a word of its own stands only after the second.
function amounts(low, high) {
  return [state.model.target.unit_place === "after_spaced" ? targetNumber(low) : amount(low), amount(high)];
}

function effectDecimals(effects) {
  const largest = Math.max(0, ...effects.map(Math.abs)), { decimals } = state.model.target;
  return largest ? Math.min(Math.max(decimals, 1 - Math.floor(Math.log10(largest))), 15) : decimals;
}

const labelOf = (item) => own(item.label) + (item.unit ? ` (${own(item.unit)})` : "");
// A value as Python writes it.
const plainKey = (value) => (typeof value === "boolean" ? (value ? "True" : "False") : String(value));
const classLabel = (place) => own(state.model.target.class_labels[state.model.keys[place]]) || isolate(state.model.keys[place]);

function dayText(iso) {
  const [year, month, day] = iso.split("-").map(Number), date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return new Intl.DateTimeFormat(state.language.tag, { dateStyle: "long", timeZone: "UTC" }).format(date);
}

const clock = (time) => time.replace(/\.\d+$/, "").replace(/^(\d\d:\d\d):00$/, "$1");

function valueText(field, value) {
  if (value === null) return t("text.not_measured");
  if (field.categories.length) {
    const place = field.categories.indexOf(value), key = field.keys[place] ?? plainKey(value);
    return own(field.category_labels[key]) || isolate(key);
  }
  if (field.kind === "date" || field.kind === "datetime") {
    const [day, time] = value.split("T");
    return time === undefined ? dayText(day) : `${dayText(day)}, ${clock(time)}`;
  }
  if (field.kind === "time") return clock(value);
  return plain(typeof value === "number" ? rounded(value, Math.max(field.decimals, 2)) : value, field.decimal);
}

// Faults and warnings are { code, field, value, expected }, as the server's.

function rangeText(ends, section, mark) {
  const texts = {};
  for (const name of ["minimum", "maximum"]) if (ends[name] !== null && ends[name] !== undefined) texts[name] = plain(ends[name], mark);
  const names = Object.keys(texts);
  return t(`${section}.${names.length === 2 ? "both" : names[0]}`, texts);
}

const EXPECTED = { number: "number", integer: "whole_number", date: "date", datetime: "datetime", time: "time", text: "text" };

function problem(fault) {
  const field = state.model.byName[fault.field], label = field ? own(field.label) : "";
  if (fault.code === "unusual_combination") {
    return t("form.unusual_combination", { field: label, other: own(state.model.byName[fault.expected.field].label) });
  }
  if (fault.code === "null" && field.nullable) return t("page.fill_in_or_tick");
  const isNumber = field && (field.kind === "number" || field.kind === "integer");
  if (fault.code === "wrong_type" && isNumber) {
    const example = withUnit(plain(field.default, field.decimal), field);
    return typeof fault.value === "string"
      ? t("form.not_a_number", { value: fault.value, example })
      : t("form.not_whole", { value: editable(field, fault.value), example });
  }
  if (fault.code === "wrong_type") return t("form.not_a_date", { value: fault.value, expected: t(`expected.${EXPECTED[field.kind]}`) });
  const mark = isNumber ? field.decimal : null;
  const value = isNumber && typeof fault.value === "number" ? editable(field, fault.value) : String(fault.value);
  const expected = fault.expected && typeof fault.expected === "object" ? rangeText(fault.expected, "ranges", mark) : "";
  return t(`form.${fault.code}`, { field: label, value, expected });
}
