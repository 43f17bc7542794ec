// What stands in the form, as a record, and its check: `slipway/page/predict/typed.py` and `slipway/schema/fields.py` in JavaScript.

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const OPEN = /^[+-]?[1-9]\d{0,2}\.\d{3}$/;
const GROUPED = { ".": /^[1-9]\d{0,2}(\.\d{3})+$/, ",": /^([1-9]\d{0,2}(,\d{3})+|[1-9]\d?(,\d{2})+,\d{3})$/ };
const SPACED = /^[1-9]\d{0,2}(?:(['’ \u00a0\u2007\u2009\u202f])\d{3})(?:\1\d{3})*([.,]\d+)?$/;

// The body of a number without a sign, by one decimal mark; null if it cannot have that mark.
function readBody(body, mark) {
  const parts = body.split(mark), group = OTHER_MARK[mark];
  if (parts.length > 2) return null;
  let [whole, rest] = parts;
  if (whole.includes(group)) {
    if (!GROUPED[group].test(whole)) return null;
    whole = whole.split(group).join("");
  }
  if (!/^\d*$/.test(whole) || (rest !== undefined && !/^\d*$/.test(rest)) || !(whole || rest)) return null;
  return rest === undefined ? whole : `${whole || "0"}.${rest}`;
}

// A number as it reads with a point and with a comma as the decimal mark; null for what is none.
function readings(text) {
  if (NUMBER.test(text)) {
    if (OPEN.test(text)) return { ".": text, ",": text.replace(".", "") };
    return { ".": text, ",": text.includes(".") ? null : text };
  }
  const match = /^(\()?\s*([+\-−–])?\s*([\d.,'’ \u00a0\u2007\u2009\u202f]*\d[.,]?)([eE][+\-−–]?\d+)?\s*(\))?([\-−–])?$/.exec(text);
  if (!match || Boolean(match[1]) !== Boolean(match[5]) || [match[1], match[2], match[6]].filter(Boolean).length > 1) return null;
  const sign = [match[1], match[2], match[6]].some((one) => one && one !== "+") ? "-" : "";
  const body = SPACED.test(match[3]) ? match[3].replace(/['’ \u00a0\u2007\u2009\u202f]/g, "") : match[3];
  const exponent = (match[4] ?? "").replace(/[−–]/, "-");
  const found = {};
  for (const mark of [".", ","]) {
    const read = readBody(body, mark);
    found[mark] = read === null ? null : sign + read + exponent;
  }
  return found["."] === null && found[","] === null ? null : found;
}

const isOpen = (found) => found && found["."] !== null && found[","] !== null && found["."] !== found[","];

// By which mark a number such as `1.234` is read: the column's, or else the language's; of whole numbers the one that gives one.
function markFor(field, found) {
  const mark = markOf(field);
  if (!isOpen(found) || field.kind !== "integer" || field.decimal) return mark;
  const [point, comma] = [".", ","].map((one) => Number.isInteger(Number(found[one])));
  return point === comma ? mark : point ? "." : ",";
}

function withoutUnit(field, text) {
  for (const unit of [own(field.unit).replace(/[\u2068\u2069]/g, ""), field.number_unit]) {
    if (unit && text.endsWith(unit)) return text.slice(0, -unit.length).trim();
    if (unit && text.startsWith(unit)) return text.slice(unit.length).trim();
  }
  return text;
}

const halfWidth = (text) => text.replace(/[！-～]/g, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfee0)).replace(/\u3000/g, " ");

// What was typed for a number: its value, or the text if it is none; and how it was read if that is not plain to see.
function readNumber(field, typed) {
  const text = withoutUnit(field, halfWidth(typed.trim()).trim());
  const missing = field.missing.find((value) => String(value) === text);
  if (missing !== undefined) return { value: missing, note: "" };
  const found = text.length > 80 ? null : readings(text);
  if (!found) return { value: typed.trim(), note: "" };
  const mark = markFor(field, found), value = Number(found[mark] ?? found[OTHER_MARK[mark]]);
  const asWritten = typed.trim() === editable(field, value);
  const open = isOpen(found) && Number(found["."]) !== Number(found[","]);
  if (asWritten && !(open && field.decimals < text.split(markOf(field)).pop().length)) return { value, note: "" };
  if (!open) return { value, note: t("page.read_as", { value: withUnit(plain(value, field.decimal), field) }) };
  const other = [".", ","].map((one) => Number(found[one])).find((one) => one !== value);
  const [read, unread] = [value, other].map((one) => withUnit(editable(field, one), field));
  return { value, note: t("page.read_as_open", { value: read, other: unread }) };
}

class FieldFault extends Error {
  constructor(code, expected = null) {
    super(code);
    Object.assign(this, { code, expected });
  }
}

const sameValue = (one, other) => typeof one === typeof other && one === other;

// `Field.check`: the value as the graph needs it and a warning, if there is one.
function checked(field, value) {
  if (value === null || value === undefined) {
    if (!field.nullable) throw new FieldFault("null");
    return [null, null];
  }
  if (field.missing.some((one) => sameValue(one, value))) return [null, { code: "read_as_missing", field: field.name, value, expected: null }];
  const found = CHECKS[field.kind](field, value);
  if (field.observed_min === null || field.observed_max === null) return [found, null];
  if (field.observed_min <= found && found <= field.observed_max) return [found, null];
  return [found, { code: "out_of_range", field: field.name, value: found, expected: { minimum: field.observed_min, maximum: field.observed_max } }];
}

function checkNumber(field, value) {
  if (typeof value !== "number") throw new FieldFault("wrong_type");
  if (!Number.isFinite(value)) throw new FieldFault("not_finite");
  if (field.kind === "integer" && !Number.isInteger(value)) throw new FieldFault("wrong_type");
  const { minimum, maximum } = field;
  if ((minimum !== null && value < minimum) || (maximum !== null && value > maximum)) throw new FieldFault("out_of_bounds", { minimum, maximum });
  return value;
}

function checkCategory(field, value) {
  const known = field.categories.find((one) => sameValue(one, value));
  if (known === undefined) throw new FieldFault("unknown_category");
  return known;
}

const DAY = /^\d{4}-\d\d-\d\d$/, TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$/;

function checkMoment(field, value) {
  const [day, time = "00:00:00"] = String(value).split("T");
  if (!DAY.test(day) || !TIME.test(time)) throw new FieldFault("wrong_type");
  const year = Number(day.slice(0, 4));
  if (Number.isNaN(Date.parse(`${day}T00:00:00Z`)) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) throw new FieldFault("wrong_type");
  if (year < 1678 || year > 2261) throw new FieldFault("out_of_bounds", { minimum: "1678-01-01", maximum: "2261-12-31" });
  return field.kind === "date" ? day : `${day}T${time.length === 5 ? `${time}:00` : time}`;
}

function checkTime(_, value) {
  if (!TIME.test(value)) throw new FieldFault("wrong_type");
  return clock(value);
}

const CHECKS = {
  number: checkNumber, integer: checkNumber, boolean: checkCategory, category: checkCategory, date: checkMoment,
  datetime: checkMoment, time: checkTime,
};

// A record, checked: its values, warnings and faults.
function checkRecord(record) {
  const values = Object.create(null), warnings = [], faults = [];
  for (const field of state.model.fields) {
    const value = record[field.name] ?? null;
    try {
      const [found, warning] = checked(field, value);
      values[field.name] = found;
      if (warning) warnings.push(warning);
    } catch (fault) {
      if (!(fault instanceof FieldFault)) throw fault;
      faults.push({ code: fault.code, field: field.name, value, expected: fault.expected });
    }
  }
  return { values, warnings, faults };
}

const minutesOf = (time) => {
  const [hours, minutes, seconds = "0"] = time.split(":");
  return Number(hours) * 60 + Number(minutes) + Number(seconds) / 60;
};

const secondsOf = (moment) => Date.parse(`${moment.includes("T") ? moment.slice(0, 19) : `${moment}T00:00:00`}Z`) / 1000 + Number(`0${/\.\d+$/.exec(moment) ?? ""}`);

// A checked value as it stands in a column: see `slipway/schema/arrays.py`.
function cell(field, value) {
  if (field.is_text) return value === null ? null : field.keys[field.categories.indexOf(value)] ?? plainKey(value);
  if (value === null) return NaN;
  if (field.kind === "time") return minutesOf(value);
  if (field.kind === "date" || field.kind === "datetime") return secondsOf(value);
  return Number(value);
}
