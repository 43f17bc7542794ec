// Answers from the graph's outputs: `slipway/inference/predictor.py`, `interval.py`, `support.py` and `decision.py` in JavaScript.

// A column per field, each an array of the values of all rows.
function columnsOf(records) {
  return state.model.fields.map((field) => {
    const values = records.map((record) => cell(field, record[field.name]));
    return field.is_text ? values : Float64Array.from(values);
  });
}

// The graph's answers to columns: values bounded, or positions of classes and their probabilities, row by row.
function predict(columns) {
  const { model } = state, rows = columns[0].length;
  const inputs = model.fields.map((field, place) => {
    if (!field.is_text) return { type: DOUBLE, shape: [rows], data: columns[place] };
    return { type: STRING, shape: [rows], data: columns[place].map((text) => (text === null ? model.missing : text)) };
  });
  const found = evaluate(model.graph, inputs);
  if (!model.target.classes.length) return { values: found.value.data };
  return { classes: found.class.data, probabilities: found.probabilities && found.probabilities.data };
}

function bounded(value) {
  const { minimum, maximum } = state.model.target;
  const above = minimum === null ? value : Math.max(value, minimum);
  return maximum === null ? above : Math.min(above, maximum);
}

// Which class is predicted: by the threshold of two, by the costs of more, or the most probable.
function decided(position, shares) {
  const { target, positive } = state.model;
  if (!shares) return position;
  if (shares.length === 2) return shares[positive] >= target.threshold ? positive : 1 - positive;
  if (!target.costs.length) return position;
  const costs = shares.map((_, other) => target.costs.reduce((sum, row, place) => sum + shares[place] * row[other], 0));
  return costs.indexOf(Math.min(...costs));
}

// How many edges are at most this value; a missing one is behind all.
function placeAmong(edges, value) {
  if (Number.isNaN(value)) return edges.length + 1;
  let place = 0;
  while (place < edges.length && edges[place] <= value) place++;
  return place;
}

// The cell of a term that a record is in: `CellTerm.positions`. `value` is the prediction, for a term without a field.
function cellOf(term, record, value) {
  const field = term.field === null ? null : state.model.byName[term.field];
  const given = field ? cell(field, record[field.name]) : value;
  if (term.values !== null && field) {
    if (given === null || Number.isNaN(given)) return term.values.length + 1;
    const place = term.values.findIndex((one, index) => (field.is_text ? term.keys[index] : Number(one)) === given);
    return place < 0 ? term.values.length : place;
  }
  return placeAmong(term.edges, field && (field.kind === "date" || field.kind === "datetime") ? Math.floor(given / 86400) : given);
}

const cellCount = (term) => (term.values === null ? term.edges.length : term.values.length) + 2;

function intervalAround(value, record) {
  const { interval, target } = state.model;
  if (!interval) return null;
  let scale = 1;
  if (interval.spread) {
    const { terms, effects, low, high } = interval.spread;
    let total = effects[0], start = 1;
    for (const term of terms) {
      total += effects[start + cellOf(term, record, value)];
      start += cellCount(term);
    }
    scale = Math.exp(Math.min(Math.max(total, low), high));
  }
  const bin = placeAmong(interval.edges, value);
  const covered = interval.weak.filter((group) => cellOf(group.term, record, value) === group.cell).map((group) => group.covered);
  return {
    low: Math.max(value + interval.low[bin] * scale, target.minimum ?? -Number.MAX_VALUE),
    high: Math.min(value + interval.high[bin] * scale, target.maximum ?? Number.MAX_VALUE),
    coverage: Math.min(interval.coverage, ...covered),
  };
}

function predictionSet(shares, chosen) {
  const sets = state.model.support?.sets;
  if (!sets || !shares) return null;
  const likeliest = shares.indexOf(Math.max(...shares));
  const inside = shares.map((value, place) => value >= sets.least[place] || place === likeliest || place === chosen);
  return { classes: [...inside.keys()].filter((place) => inside[place]), coverage: sets.coverage };
}

// How many training cases are like a record, and how far off the model was for them.
function similarCases(record, warnings) {
  const similar = state.model.support?.similar;
  if (!similar) return null;
  const names = similar.terms.map((term) => term.field);
  const place = similar.terms.reduce((sum, term) => sum * cellCount(term) + cellOf(term, record), 0);
  const isOutside = warnings.some((one) => one.code === "out_of_range" && names.includes(one.field));
  const error = isOutside ? -1 : similar.errors[place];
  return { cases: isOutside ? 0 : similar.cases[place], error: error < 0 ? null : error };
}

const MOST_PAIRS = 3;

function supportWarnings(record, prediction, cases) {
  const { support } = state.model, found = [];
  if (!support) return found;
  const rules = support.abstain;
  if (support.combinations) {
    const cells = support.combinations.terms.map((term) => cellOf(term, record));
    const hits = support.combinations.unusual
      .filter(([one, first, two, second]) => cells[one] === first && cells[two] === second)
      .sort((a, b) => a[0] - b[0] || a[2] - b[2]);
    for (const [one, , two] of hits.slice(0, MOST_PAIRS)) {
      const [field, other] = [one, two].map((place) => support.combinations.terms[place].field);
      found.push({ code: "unusual_combination", field, expected: { field: other }, asks: rules.unusual });
    }
  }
  const note = (code, value, expected) => found.push({ code, field: null, value, expected, asks: true });
  if (rules.cases !== null && cases && cases.cases < rules.cases) note("few_similar_cases", cases.cases, { minimum: rules.cases });
  const width = prediction.interval && prediction.interval.high - prediction.interval.low;
  if (rules.width !== null && prediction.interval && width > rules.width) note("wide_interval", width, { maximum: rules.width });
  const size = prediction.set?.classes.length;
  if (rules.classes !== null && prediction.set && size > rules.classes) note("several_classes", size, { maximum: rules.classes });
  return found;
}

// The answer to a record that `checkRecord` accepted. Classes are positions; `value` is a number.
function answer(values, warned) {
  const found = predict(columnsOf([values])), { target } = state.model;
  let prediction;
  if (target.classes.length) {
    const shares = found.probabilities ? [...found.probabilities] : null, position = decided(found.classes[0], shares);
    prediction = { position, shares, value: null, interval: null, set: predictionSet(shares, position) };
  } else {
    const value = bounded(found.values[0]);
    prediction = { position: null, shares: null, value, interval: intervalAround(value, values), set: null };
  }
  if (!(prediction.shares ?? [prediction.value ?? 0]).every(Number.isFinite)) return null;
  const cases = similarCases(values, warned), more = supportWarnings(values, prediction, cases);
  return { ...prediction, cases, warnings: [...warned, ...more], abstain: more.some((one) => one.asks) };
}

// Faults of a record for which the model has no finite answer: the values that are far out.
function farOut(warnings) {
  return warnings.filter((one) => one.code === "out_of_range").map((one) => ({ ...one, code: "no_finite_prediction" }));
}

const TOLERANCE = 1e-9;

// The largest difference from the predictions that are stored with the model, of numbers relative to the larger of 1 and the number.
function largestDifference() {
  const { golden, target } = state.model;
  let largest = 0;
  for (const { record, prediction, probabilities, interval } of golden) {
    const { values, warnings, faults } = checkRecord(record), found = faults.length ? null : answer(values, warnings);
    if (!found) return Infinity;
    const pairs = target.classes.length
      ? (probabilities ?? []).map((one, place) => [found.shares?.[place] ?? NaN, one])
      : [[found.value, prediction], ...(interval ? [[found.interval?.low ?? NaN, interval[0]], [found.interval?.high ?? NaN, interval[1]]] : [])];
    if (target.classes.length && found.position !== prediction) return Infinity;
    for (const [one, wanted] of pairs) {
      const off = Math.abs(one - wanted) / Math.max(1, Math.abs(wanted));
      largest = off <= largest ? largest : off;
    }
    if (Number.isNaN(largest)) return Infinity;
  }
  return largest;
}
