// Below the answer: why it is as it is, and what it would be for other values of one field.

const SMALL = 0.01, MOST = 12;

function signed(value, decimals) {
  const text = state.model.target.classes.length ? decimal(Math.abs(value) * 100, 1) : targetNumber(Math.abs(value), decimals);
  return `${value >= 0 ? "+" : "−"}${text}`;
}

// Label and contribution of each field, largest first; tiny ones, and those beyond `MOST`, are summed last.
function steps(contributions, values) {
  const ranked = state.model.fields.map((field, place) => [field, contributions[place]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const least = SMALL * Math.abs(ranked[0][1]);
  let kept = ranked.filter(([, value]) => Math.abs(value) > least).slice(0, MOST);
  if (kept.length === ranked.length - 1) kept = ranked;
  const found = kept.map(([field, value]) => [t("text.term", { term: own(field.label), value: valueText(field, values[field.name]) }), value]);
  const rest = ranked.slice(kept.length);
  if (rest.length) found.push([t("page.why_rest", { count: rest.length }), rest.reduce((sum, [, value]) => sum + value, 0)]);
  return found;
}

function whyPanel({ base, contributions }, found, values) {
  const rows = steps(contributions, values), decimals = effectDecimals(rows.map(([, value]) => value));
  const ends = rows.reduce((all, [, value]) => [...all, all[all.length - 1] + value], [base]);
  const low = Math.min(...ends), span = Math.max(...ends) - low || 1;
  const isClass = found.value === null, place = explainedClass(found), inWords = (value) => (isClass ? percent(value) : amount(value, decimals));
  const words = { base: inWords(base), prediction: inWords(isClass ? found.shares[place] : found.value), class: isClass ? classLabel(place) : "" };
  const lines = rows.map(([label, value], step) => {
    const piece = element("span", { class: value >= 0 ? "up" : "down" });
    sized(piece, {
      left: `${((Math.min(ends[step], ends[step + 1]) - low) / span) * 100}%`,
      width: `${Math.max((Math.abs(value) / span) * 100, 0.4)}%`,
    });
    return element(
      "li", {}, element("span", { dir: "auto" }, label), element("span", { class: "fall", "aria-hidden": "true" }, piece),
      element("span", {}, signed(value, decimals)),
    );
  });
  return [
    paragraph(t(isClass ? "page.why_class" : "page.why_number", words)),
    element("ol", { class: "falls" }, lines),
    state.model.orders ? small(t("offline.why_sampled", { count: state.model.orders.length })) : null,
    small(t("page.why_note")),
  ].filter(Boolean);
}

const POINTS = 41, CATEGORIES = 500, DAY_SECONDS = 86400;
const between = (low, high) => Array.from({ length: POINTS }, (_, step) => low + ((high - low) * step) / (POINTS - 1));
const choosable = () => state.model.fields.filter((field) => field.categories.length || field.observed_min !== null);
const isoDay = (day) => new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10);
const dayNumber = (moment) => Math.floor(secondsOf(moment) / DAY_SECONDS);

function timeText(minutes) {
  const part = (value) => String(value).padStart(2, "0");
  return `${part(Math.floor(minutes / 60))}:${part(Math.floor(minutes % 60))}`;
}

function gridOf(field, value) {
  const { observed_min: low, observed_max: high } = field;
  if (field.kind === "date") return between(dayNumber(low), dayNumber(high)).map((day) => isoDay(roundToEven(day)));
  if (field.kind === "time") return between(minutesOf(low), minutesOf(high)).map((one) => timeText(roundToEven(one)));
  if (field.kind === "datetime") {
    // Days at the record's own time of day: else a curve over the year would show the hours.
    const time = (value ?? field.default).split("T")[1];
    const moments = between(dayNumber(low), dayNumber(high)).map((day) => `${isoDay(roundToEven(day))}T${time}`);
    const inside = moments.filter((moment) => low <= moment && moment <= high);
    return inside.length ? inside : [low];
  }
  return between(low, high).map((one) => (field.kind === "integer" ? roundToEven(one) : one));
}

// The values that are tried, in order, with the record's own if it lies in the range of training.
function tried(field, value) {
  if (field.categories.length) {
    const others = field.categories.filter((one) => one !== value).slice(0, CATEGORIES - (value === null ? 0 : 1));
    return field.categories.filter((one) => one === value || others.includes(one));
  }
  const grid = gridOf(field, value);
  if (value !== null && grid[0] <= value && value <= grid[grid.length - 1]) grid.push(value);
  return [...new Set(grid)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

// The predictions for each value of a field: numbers, or the probability of a class.
function curve(field, values, position) {
  const asked = tried(field, values[field.name]);
  const found = predict(columnsOf(asked.map((value) => ({ ...values, [field.name]: value })))), { classes } = state.model.target;
  const results = asked.map((_, row) => (classes.length ? found.probabilities[row * classes.length + position] : bounded(found.values[row])));
  return { asked, results };
}

const WIDTH = 520, HEIGHT = 190, EDGE = 6;

function whatIfPanel(field, found, values) {
  const { target } = state.model, isClass = target.classes.length > 0, position = explainedClass(found);
  const { asked, results } = curve(field, values, position), inWords = isClass ? percent : (value) => targetNumber(value);
  const what = isClass ? t("text.term", { term: labelOf(target), value: classLabel(position) }) : labelOf(target);
  if (!results.every(Number.isFinite)) return [small(what)];
  const drawn = field.categories.length ? whatIfBars(field, values, asked, results, inWords) : whatIfCurve(field, values, asked, results, inWords);
  return [small(what), ...drawn.filter(Boolean)];
}

function whatIfBars(field, values, asked, results, inWords) {
  const [low, high] = [Math.min(...results, 0), Math.max(...results, 0)];
  const order = asked.map((_, row) => row).sort((one, other) => results[other] - results[one]);
  const share = (row) => ((results[row] - low) / (high - low || 1)) * 100;
  const rows = order.map((row) => bar(valueText(field, asked[row]), share(row), inWords(results[row]), asked[row] === values[field.name]));
  const isPart = asked.length < field.categories.length;
  return [element("ul", { class: "bars" }, rows), isPart ? small(t("page.whatif_part", { shown: asked.length, all: field.categories.length })) : null];
}

const positionOf = (field, value) => (typeof value === "number" ? value : field.kind === "time" ? minutesOf(value) : secondsOf(value));

function whatIfCurve(field, values, asked, results, inWords) {
  const places = asked.map((value) => positionOf(field, value)), low = Math.min(...results), high = Math.max(...results);
  const wide = places[places.length - 1] - places[0] || 1, tall = high - low || 1;
  const point = (row) => [
    EDGE + ((places[row] - places[0]) / wide) * (WIDTH - 2 * EDGE),
    HEIGHT - EDGE - ((results[row] - low) / tall) * (HEIGHT - 2 * EDGE),
  ];
  const ends = [asked[0], asked[asked.length - 1]].map((value) => valueText(field, value));
  const [first, last] = [inWords(results[0]), inWords(results[results.length - 1])];
  const parts = [t("page.whatif_summary", { field: own(field.label), low: ends[0], high: ends[1], first, last })];
  for (const [key, best] of [["page.whatif_highest", high], ["page.whatif_lowest", low]]) {
    const amount = inWords(best);
    if (amount !== first && amount !== last) parts.push(t(key, { amount, value: valueText(field, asked[results.indexOf(best)]) }));
  }
  const summary = parts.join(t("text.semicolon"));
  const drawing = element(
    "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    element("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, class: "axis" }),
    element("polyline", { points: asked.map((_, row) => point(row).map((one) => one.toFixed(1)).join(",")).join(" ") }),
  );
  const at = asked.indexOf(values[field.name]);
  let mark = null;
  if (at >= 0) {
    const [x, y] = point(at);
    drawing.append(element("line", { x1: x, x2: x, y1: 0, y2: HEIGHT, class: "now" }), element("circle", { cx: x, cy: y, r: 5 }));
    const text = `${valueText(field, values[field.name])} → ${inWords(results[at])}`;
    mark = sized(element("span", { class: x > WIDTH / 2 ? "now-text before" : "now-text" }, text), { left: `${(x / WIDTH) * 100}%` });
  }
  const sides = [...new Set([inWords(high), inWords(low)])].map((text) => element("span", {}, text));
  return [
    element(
      "div", { class: "curve", role: "img", "aria-label": summary },
      element("div", { class: "curve-y" }, sides),
      element("div", { class: "curve-plot" }, mark, drawing),
      element("div", { class: "curve-x" }, ends.map((text) => element("span", {}, text))),
    ),
    small(summary),
  ];
}
