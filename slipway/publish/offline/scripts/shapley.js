// The contribution of each field to one prediction, as `slipway/inference/shapley.py` defines it: Shapley values against the rows
// that are stored with the model. Up to 8 fields every subset is evaluated; of more, orders that were drawn when the file was made.

const BLOCK_ROWS = 2048;

const pause = () => new Promise((resolve) => setTimeout(resolve));

// The model's values for rows mixed from a record and the background: `rows` are background rows, and `isOwn` says of a row by its
// place, and of a field, whether it has the record's own value. Null as soon as `isOld` says that nobody waits any more, or if a
// value is not finite.
async function valuesOf(rows, isOwn, record, position, isOld) {
  const { fields, background, target } = state.model, values = new Float64Array(rows.length);
  const own = columnsOf([record]);
  for (let start = 0; start < rows.length; start += BLOCK_ROWS) {
    await pause();
    if (isOld()) return null;
    const block = rows.slice(start, start + BLOCK_ROWS);
    const columns = fields.map((field, place) => {
      const mixed = block.map((row, index) => (isOwn(start + index, place) ? own[place][0] : background[place][row]));
      return field.is_text ? mixed : Float64Array.from(mixed);
    });
    const found = predict(columns);
    for (let row = 0; row < block.length; row++) {
      const value = target.classes.length
        ? found.probabilities[row * target.classes.length + position]
        : bounded(found.values[row]);
      if (!Number.isFinite(value)) return null;
      values[start + row] = value;
    }
  }
  return values;
}

const different = (one, other) => one !== other && !(Number.isNaN(one) && Number.isNaN(other));

// All subsets: base and contributions, by Shapley's formula for each background row.
async function exact(record, position, isOld) {
  const { fields, background } = state.model, count = fields.length, size = background[0].length;
  const own = columnsOf([record]), all = 2 ** count - 1;
  const rows = [], foreigns = [], places = [];
  for (let row = 0; row < size; row++) {
    const differs = fields.reduce((bits, _, place) => bits | (different(own[place][0], background[place][row]) ? 1 << place : 0), 0);
    const known = new Map();
    places.push(Int32Array.from({ length: all + 1 }, (_, subset) => {
      const foreign = ~subset & all & differs;
      if (!known.has(foreign)) {
        known.set(foreign, rows.length);
        rows.push(row);
        foreigns.push(foreign);
      }
      return known.get(foreign);
    }));
  }
  const values = await valuesOf(rows, (index, place) => !((foreigns[index] >> place) & 1), record, position, isOld);
  if (!values) return null;
  const factorial = Array.from({ length: count + 1 }, (_, n) => Array.from({ length: n }, (_, k) => k + 1).reduce((a, b) => a * b, 1));
  const bits = (subset) => subset.toString(2).replaceAll("0", "").length;
  const weights = Array.from({ length: all + 1 }, (_, subset) => {
    const members = bits(subset);
    return members === count ? 0 : (factorial[members] * factorial[count - members - 1]) / factorial[count];
  });
  const contributions = fields.map((_, field) => {
    let sum = 0;
    for (const place of places) {
      for (let subset = 0; subset <= all; subset++) {
        if (!((subset >> field) & 1)) sum += (values[place[subset | (1 << field)]] - values[place[subset]]) * weights[subset];
      }
    }
    return sum / size;
  });
  return { base: places.reduce((sum, place) => sum + values[place[0]], 0) / size, contributions };
}

// Orders of the fields, the same number for each background row: each field is credited with the change at its step.
async function sampled(record, position, isOld) {
  const { fields, background, orders } = state.model, size = background[0].length;
  const own = columnsOf([record]), contributions = new Array(fields.length).fill(0), bases = new Map();
  // Of each row to evaluate: the background row, its order, and how many fields of that have been replaced. Of each order, after each
  // step, the row that stands there: a step that changes nothing stays at the row before it.
  const rows = [], from = [], replaced = [], paths = [];
  const stepOf = orders.map(([, order]) => order.reduce((found, place, step) => ((found[place] = step), found), []));
  orders.forEach(([row, order], index) => {
    const add = (count) => rows.push(row) && from.push(index) && replaced.push(count);
    add(0);
    paths.push([rows.length - 1]);
    order.forEach((place, step) => {
      if (different(own[place][0], background[place][row])) add(step + 1);
      paths[index].push(rows.length - 1);
    });
  });
  const values = await valuesOf(rows, (index, place) => stepOf[from[index]][place] < replaced[index], record, position, isOld);
  if (!values) return null;
  orders.forEach(([row, order], index) => {
    const path = paths[index];
    bases.set(row, values[path[0]]);
    order.forEach((place, step) => (contributions[place] += (values[path[step + 1]] - values[path[step]]) / orders.length));
  });
  return { base: [...bases.values()].reduce((sum, value) => sum + value, 0) / size, contributions };
}

// `position` is that of the class whose probability is explained; null for numbers.
function explain(record, position, isOld = () => false) {
  return (state.model.orders ? sampled : exact)(record, position, isOld);
}

// By default the positive class of two, and the predicted one of more.
const explainedClass = (found) => (found.shares && found.shares.length === 2 ? state.model.positive : found.position);
