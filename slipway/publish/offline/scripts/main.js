// Starts the page: unpacks the model, repeats the predictions that are stored with it, and answers what the form holds.

const byId = (id) => document.getElementById(id);
let asked = 0, record = null, whatIfName = null;

function textsOf(language) {
  return Object.values(state.model.languages).find((one) => language.toLowerCase().split("-")[0] === one.code);
}

function setLanguage(chosen) {
  const content = record ? readForm().record : null;
  state.language = chosen;
  document.documentElement.lang = chosen.tag;
  document.title = own(state.model.texts.title) || state.model.tag;
  draw(content);
}

function draw(content) {
  const { model, language } = state;
  byId("title").textContent = own(model.texts.title) || model.tag;
  byId("summary").textContent = own(model.texts.summary);
  const others = Object.values(model.languages).filter((one) => one !== language);
  byId("languages").setAttribute("aria-label", t("page.languages"));
  byId("languages").replaceChildren(...others.map((one) => element("button", { type: "button", lang: one.tag, onclick: () => setLanguage(one) }, one.name)));
  byId("fields").replaceChildren(...examples(), ...model.fields.map(fieldBlock));
  byId("why-title").textContent = t("page.why");
  byId("what-if-title").textContent = t("page.whatif");
  byId("what-if-label").textContent = t("page.whatif_field");
  const options = choosable().map((field) => element("option", { value: field.name, dir: "auto" }, own(field.label)));
  byId("what-if-field").replaceChildren(...options);
  byId("what-if").hidden = !options.length || (model.target.classes.length > 0 && !model.has_probabilities);
  byId("what-if-field").value = whatIfName ?? options[0]?.value ?? "";
  byId("footer").replaceChildren(...footer());
  byId("print").textContent = t("page.print");
  showRecord(content ? { ...model.example, ...content } : model.example);
  update(content ? "page.heading_answer" : "page.heading_example");
}

function examples() {
  const { model } = state, choose = (values) => () => {
    showRecord({ ...model.example, ...values });
    update("page.heading_answer");
  };
  const buttons = model.texts.examples.map((one) => element("button", { type: "button", onclick: choose(one.values) }, own(one.label)));
  const reset = element("button", { type: "button", onclick: choose(model.example) }, t("page.reset"));
  return [element("div", { class: "examples" }, buttons.length ? element("span", { class: "small" }, t("page.examples")) : null, buttons, reset)];
}

function footer() {
  const { model } = state;
  const difference = model.difference === 0 ? "0" : model.difference.toExponential(0);
  return [
    paragraph(t("offline.version", { model: model.tag, estimator: model.estimator, date: dayText(model.trained) })),
    paragraph(t("offline.alone")),
    paragraph(t("offline.checked", { count: model.golden.length, difference })),
  ];
}

function update(heading = "page.heading_answer") {
  const form = readForm(), { values, warnings, faults: wrong } = checkRecord(form.record);
  record = form.record;
  const faults = [...form.empty, ...wrong.filter((one) => !form.empty.some((other) => other.field === one.field))];
  const found = faults.length ? null : answer(values, warnings);
  if (!found && !faults.length) faults.push(...farOut(warnings));
  tell(form.notes, faults);
  byId("answer").replaceChildren(...(found ? answerPanel(found, values, heading) : faultsPanel()));
  byId("reasons").hidden = !found;
  asked += 1;
  if (found) {
    reasons(found, values, asked);
    whatIf(found, values);
  }
}

async function reasons(found, values, number) {
  const { model } = state, isOld = () => number !== asked;
  byId("why").hidden = model.target.classes.length > 0 && !found.shares;
  if (byId("why").hidden) return;
  if (!model.background) {
    byId("why-body").replaceChildren(small(t("offline.no_why")));
    return;
  }
  const explained = await explain(values, explainedClass(found), isOld);
  if (!isOld()) byId("why-body").replaceChildren(...(explained ? whyPanel(explained, found, values) : []));
}

function whatIf(found, values) {
  const field = state.model.byName[byId("what-if-field").value];
  if (!byId("what-if").hidden) byId("what-if-body").replaceChildren(...whatIfPanel(field, found, values));
}

// What a script, or a console, can ask of the page.
function api() {
  const { model } = state;
  const given = (record) => {
    const { values, warnings, faults } = checkRecord(record), found = faults.length ? null : answer(values, warnings);
    return { values, found, faults };
  };
  return {
    model: model.tag,
    predict: (record) => {
      const { found, faults } = given(record);
      if (!found) return { faults };
      const { shares, position, value, interval, set, cases, warnings, abstain } = found;
      const probabilities = shares && Object.fromEntries(shares.map((one, place) => [model.keys[place], one]));
      const classes = set && { classes: set.classes.map((place) => model.target.classes[place]), coverage: set.coverage };
      const prediction = position === null ? value : model.target.classes[position];
      return { prediction, probabilities, interval, prediction_set: classes, support: cases, abstain, warnings };
    },
    explain: async (record) => {
      const { values, found, faults } = given(record);
      return found && model.background ? explain(values, explainedClass(found)) : { faults };
    },
  };
}

function prepare(content) {
  Object.assign(content, {
    byName: Object.assign(Object.create(null), Object.fromEntries(content.fields.map((field) => [field.name, field]))),
    background: content.background && content.fields.map((field, place) =>
      field.is_text ? content.background[place] : Float64Array.from(content.background[place], (value) => value ?? NaN)),
  });
  content.has_probabilities = content.graph.outputs.some(([name]) => name === "probabilities");
  state.model = content;
}

function refuse(text) {
  byId("start").textContent = text;
  byId("start").hidden = false;
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    byId("too-old").hidden = false;
    return;
  }
  prepare(await unpacked(byId("model").textContent.trim()));
  state.language = [...navigator.languages].map(textsOf).find(Boolean) ?? textsOf("en");
  const difference = largestDifference();
  if (!(difference <= TOLERANCE)) {
    refuse(t("offline.differs", { difference: Number.isFinite(difference) ? difference.toExponential(0) : "∞" }));
    return;
  }
  state.model.difference = difference;
  setLanguage(state.language);
  byId("page").hidden = false;
  performance.mark("answered");
  byId("fields").addEventListener("input", () => update());
  byId("what-if-field").addEventListener("change", () => {
    whatIfName = byId("what-if-field").value;
    update();
  });
  byId("print").addEventListener("click", () => window.print());
  window.slipway = api();
}

start().catch((error) => {
  byId("too-old").hidden = false;
  throw error;
});
