// The answer beside the form: a sentence, its interval or probabilities, and what a reader should know of it.

function sentence(found) {
  const { target, texts, positive } = state.model, name = own(target.label);
  if (found.value !== null) {
    if (!texts.answer) return t("page.answer_number", { target: name, prediction: amount(found.value) });
    return filled(own(texts.answer), { target: name, probability: "", prediction: targetNumber(found.value) });
  }
  const words = { target: name, probability: "", prediction: classLabel(found.position) };
  if (!found.shares) return t("page.answer_bare_class", words);
  const of = found.shares.length === 2 && texts.answer ? positive : found.position;
  words.probability = percent(found.shares[of]);
  if (texts.answer) return filled(own(texts.answer), words);
  return t(found.shares[found.position] >= Math.max(...found.shares) ? "page.answer_class" : "page.answer_less_likely_class", words);
}

function verdict(found) {
  const { target, positive } = state.model;
  if (!found.shares || found.shares.length !== 2) return "";
  const key = found.shares[positive] >= target.threshold ? "page.verdict_above" : "page.verdict_below";
  return t(key, { threshold: thresholdText(target.threshold), label: classLabel(found.position) });
}

function certainty(found) {
  if (found.interval) {
    const [low, high] = amounts(found.interval.low, found.interval.high);
    return t("page.interval", { coverage: share(found.interval.coverage, 0), low, high });
  }
  if (!found.set) return "";
  return t("page.prediction_set", { coverage: share(found.set.coverage, 0), classes: found.set.classes.map(classLabel).join(t("text.comma")) });
}

function band(found) {
  const { texts, positive } = state.model;
  if (!found.shares || found.shares.length !== 2 || !texts.bands.length) return "";
  const last = texts.bands[texts.bands.length - 1];
  return own((texts.bands.find((one) => found.shares[positive] < one.below) ?? last).text);
}

function supportText(found) {
  const { similar_fields: names, few, target } = state.model;
  if (!found.cases || !names) return "";
  const fields = names.map((name) => own(state.model.byName[name].label)).join(t("text.comma"));
  if (found.cases.error === null) return t("page.support_few", { few, fields });
  const isClass = target.classes.length > 0, error = isClass ? share(found.cases.error, 0) : amount(found.cases.error);
  return t(isClass ? "page.support_classes" : "page.support_number", { count: found.cases.cases, fields, error });
}

function probabilities(found) {
  if (!found.shares) return null;
  const rows = found.shares.map((value, place) => bar(classLabel(place), value * 100, percent(value), place === found.position));
  const heading = t("text.term", { term: t("page.probabilities"), value: own(state.model.target.label) });
  return element("div", { class: "bars" }, small(heading), element("ul", {}, rows));
}

function warningsBox(warnings) {
  if (!warnings.length) return null;
  const lines = warnings.map((one) => element("li", { dir: "auto" }, problem(one)));
  return element("div", { class: "warnings" }, element("p", {}, t("page.warnings")), element("ul", {}, lines));
}

// What paper shows in place of the form.
function printedInputs(values) {
  const rows = state.model.fields.map((field) => element(
    "tr", {}, element("th", { scope: "row", dir: "auto" }, labelOf(field)), element("td", { dir: "auto" }, valueText(field, values[field.name])),
  ));
  return element("table", { class: "inputs" }, element("caption", {}, t("page.inputs")), element("tbody", {}, rows));
}

function answerPanel(found, values, heading) {
  return [
    paragraph(t(heading), "kicker"),
    paragraph(sentence(found), "sentence"),
    paragraph(verdict(found), "verdict"),
    paragraph(certainty(found), "interval"),
    found.abstain ? paragraph(t("page.abstain"), "abstain") : null,
    paragraph(band(found), "band"),
    probabilities(found),
    warningsBox(found.warnings),
    small(supportText(found)),
    small(own(state.model.texts.disclaimer)),
    printedInputs(values),
  ].filter(Boolean);
}

const faultsPanel = () => [paragraph(t("page.heading_faults"), "kicker"), paragraph(t("page.correct"), "sentence muted")];
