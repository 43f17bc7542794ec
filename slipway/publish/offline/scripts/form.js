// The form: a control for each field, and what it holds as a record.

const RADIO_LIMIT = 4;
const TYPES_OF = { date: "date", datetime: "datetime-local", time: "time" };
const isTyped = (field) => (field.kind === "number" || field.kind === "integer") && !field.categories.length;

function hint(field) {
  const parts = [own(field.help)];
  if (field.observed_min !== null && field.observed_max !== null) {
    parts.push(t("page.range", { low: valueText(field, field.observed_min), high: valueText(field, field.observed_max) }));
  }
  return parts.filter(Boolean).join(" · ");
}

// Values of controls are the places of categories: texts cannot tell 1 from true.
function control(field, id, describedBy) {
  const common = { id, "aria-describedby": describedBy };
  if (!field.categories.length) {
    const isNumber = isTyped(field);
    const keys = isNumber && field.observed_min !== null && field.observed_min >= 0 ? "decimal" : "text";
    // Seconds are shown only where training had them.
    const step = /:\d\d:(?!00)\d\d/.test(`${field.observed_min} ${field.observed_max}`) ? "1" : null;
    const type = isNumber ? { type: "text", inputmode: keys, onkeydown: (event) => stepped(event, field) } : { type: TYPES_OF[field.kind], step };
    return element("input", { ...common, ...type, autocomplete: "off", spellcheck: "false" });
  }
  const names = field.categories.map((value) => valueText(field, value));
  if (field.categories.length > RADIO_LIMIT) {
    return element("select", common, names.map((name, place) => element("option", { value: place, dir: "auto" }, name)));
  }
  return element(
    "div", { id, class: "choices", role: "radiogroup", "aria-labelledby": `${id}-label`, "aria-describedby": describedBy },
    names.map((name, place) => element(
      "label", { class: "choice" }, element("input", { type: "radio", name: id, value: place }), element("span", { dir: "auto" }, name),
    )),
  );
}

// Arrow keys move a number by one of its last decimals.
function stepped(event, field) {
  const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key], { value } = readNumber(field, event.target.value);
  if (!sign || typeof value !== "number") return;
  event.preventDefault();
  event.target.value = editable(field, rounded(value + sign * 10 ** -field.decimals, Math.max(field.decimals, 6)));
  event.target.dispatchEvent(new Event("input", { bubbles: true }));
}

function fieldBlock(field, place) {
  const id = `field-${place}`, isGroup = field.categories.length && field.categories.length <= RADIO_LIMIT;
  const told = hint(field), describedBy = [told && `${id}-hint`, `${id}-note`].filter(Boolean).join(" ");
  return element(
    "div", { class: "field", "data-place": place },
    element(isGroup ? "span" : "label", { id: `${id}-label`, class: "label", for: isGroup ? null : id, dir: "auto" }, labelOf(field)),
    told ? element("span", { id: `${id}-hint`, class: "hint", dir: "auto" }, told) : null,
    control(field, id, describedBy),
    field.nullable ? element("label", { class: "tick" }, element("input", { type: "checkbox", id: `${id}-none` }), t("text.not_measured")) : null,
    element("p", { id: `${id}-note`, class: "note", dir: "auto" }),
  );
}

function show(field, place, value) {
  const id = `field-${place}`, input = document.getElementById(id), isNone = value === null;
  if (field.nullable) document.getElementById(`${id}-none`).checked = isNone;
  const shown = isNone ? field.default : value;
  if (field.categories.length) {
    const chosen = String(field.categories.indexOf(shown));
    if (input.tagName === "SELECT") input.value = chosen;
    else for (const radio of input.querySelectorAll("input")) radio.checked = radio.value === chosen;
  } else input.value = typeof shown === "number" ? editable(field, shown) : (shown ?? "").replace(/(T\d\d:\d\d):00$/, "$1");
}

// What a control holds: a value, and how it was read if that is not plain to see.
function held(field, place) {
  const id = `field-${place}`, input = document.getElementById(id);
  if (field.nullable && document.getElementById(`${id}-none`).checked) return { value: null, note: "", isNone: true };
  if (field.categories.length) {
    const chosen = input.tagName === "SELECT" ? input.value : input.querySelector("input:checked")?.value;
    return { value: chosen === undefined || chosen === "" ? null : field.categories[Number(chosen)], note: "" };
  }
  if (isTyped(field)) return input.value.trim() ? readNumber(field, input.value) : { value: null, note: "" };
  if (input.validity.badInput) return { value: "?", note: "" };
  return { value: input.value || null, note: "" };
}

// All controls: the record, and faults by field where a control is empty and nobody said "not measured".
function readForm() {
  const record = Object.create(null), notes = Object.create(null), empty = [];
  state.model.fields.forEach((field, place) => {
    const { value, note, isNone } = held(field, place);
    record[field.name] = value;
    notes[field.name] = note;
    if (value === null && !isNone) empty.push({ code: "null", field: field.name, value: null, expected: null });
  });
  return { record, notes, empty };
}

function tell(notes, faults) {
  state.model.fields.forEach((field, place) => {
    const fault = faults.find((one) => one.field === field.name), note = document.getElementById(`field-${place}-note`);
    const text = fault ? problem(fault) : notes[field.name];
    if (note.textContent !== text) note.textContent = text;
    note.classList.toggle("fault", Boolean(fault));
    document.getElementById(`field-${place}`).setAttribute("aria-invalid", String(Boolean(fault)));
  });
}

function showRecord(record) {
  state.model.fields.forEach((field, place) => show(field, place, record[field.name]));
}
