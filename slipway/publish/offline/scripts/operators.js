// The operators that Slipway's graphs have, as the ONNX specification defines them. Each gets its inputs (undefined for one that
// is left out) and attributes, and gives a list of outputs.

function roundToEven(value) {
  const below = Math.floor(value), rest = value - below;
  if (rest < 0.5) return below;
  return rest > 0.5 || below % 2 !== 0 ? below + 1 : below;
}

// The same type as the input, or as the first of two.
const unary = (calculate) => ([value]) => [mapped(value, value.type, calculate)];
const binary = (calculate) => ([one, other]) => [combined(one, other, one.type, calculate)];
const compared = (calculate) => ([one, other]) => [combined(one, other, BOOL, (a, b) => (calculate(a, b) ? 1 : 0))];
const chained = (calculate) => (values) => [
  values.slice(1).reduce((total, value) => combined(total, value, total.type, calculate), values[0]),
];

// C's pow: 1 to the power of anything is 1.
const power = (base, exponent) => (base === 1 || exponent === 0 ? 1 : Math.pow(base, exponent));

function remainder(a, b) {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

function casting(type) {
  if (type === BOOL) return (value) => (value ? 1 : 0);
  return isWhole(type) ? Math.trunc : (value) => value;
}

// `fold` takes what was found so far and one more value; `finish` what was found and the number of values.
function reduction(start, fold, finish = (found) => found) {
  return ([value, axes], { keepdims = 1 }) => {
    const rank = value.shape.length;
    const folded = new Set(axes && axes.data.length ? [...axes.data].map((axis) => axisOf(axis, rank)) : value.shape.keys());
    const kept = value.shape.map((length, axis) => (folded.has(axis) ? 1 : length));
    const strides = stridesOf(kept).map((stride, axis) => (folded.has(axis) ? 0 : stride));
    const places = placesOf(value.shape, strides);
    const found = empty(value.type, kept);
    found.data.fill(start);
    for (let index = 0; index < places.length; index++) {
      found.data[places[index]] = fold(found.data[places[index]], value.data[index]);
    }
    const count = value.data.length / (found.data.length || 1);
    for (let index = 0; index < found.data.length; index++) found.data[index] = finish(found.data[index], count);
    return [keepdims ? found : reshaped(found, kept.filter((_, axis) => !folded.has(axis)))];
  };
}

function gather([value, indices], { axis = 0 }) {
  const at = axisOf(axis, value.shape.length), { outer, length, inner } = alongAxis(value.shape, at);
  const shape = [...value.shape.slice(0, at), ...indices.shape, ...value.shape.slice(at + 1)];
  const found = empty(value.type, shape);
  let next = 0;
  for (let block = 0; block < outer; block++) {
    for (const index of indices.data) {
      const from = (block * length + axisOf(index, length)) * inner;
      for (let place = 0; place < inner; place++) found.data[next++] = value.data[from + place];
    }
  }
  return [found];
}

function gatherElements([value, indices], { axis = 0 }) {
  const at = axisOf(axis, value.shape.length), strides = stridesOf(value.shape);
  const places = placesOf(indices.shape, strides.map((stride, one) => (one === at ? 0 : stride)));
  const found = empty(value.type, indices.shape);
  for (let index = 0; index < places.length; index++) {
    found.data[index] = value.data[places[index] + axisOf(indices.data[index], value.shape[at]) * strides[at]];
  }
  return [found];
}

function concat(values, { axis }) {
  const at = axisOf(axis, values[0].shape.length);
  const shape = values[0].shape.map((length, one) => (one === at ? values.reduce((sum, value) => sum + value.shape[at], 0) : length));
  const found = empty(values[0].type, shape), { outer } = alongAxis(shape, at);
  let next = 0;
  for (let block = 0; block < outer; block++) {
    for (const value of values) {
      const size = value.data.length / outer;
      for (let place = 0; place < size; place++) found.data[next++] = value.data[block * size + place];
    }
  }
  return [found];
}

// The steps from `start` on along an axis, `count` of them.
function cut(value, axis, start, count, step = 1) {
  const { outer, length, inner } = alongAxis(value.shape, axis);
  const found = empty(value.type, value.shape.map((one, other) => (other === axis ? count : one)));
  let next = 0;
  for (let block = 0; block < outer; block++) {
    for (let place = 0; place < count; place++) {
      const from = (block * length + start + place * step) * inner;
      for (let offset = 0; offset < inner; offset++) found.data[next++] = value.data[from + offset];
    }
  }
  return found;
}

function split([value, parts], { axis = 0, num_outputs: count }) {
  const at = axisOf(axis, value.shape.length), each = Math.ceil(value.shape[at] / count);
  let start = 0;
  const sizes = parts ? [...parts.data] : Array.from({ length: count }, (_, one) => Math.min(each, value.shape[at] - one * each));
  return sizes.map((size) => {
    start += size;
    return cut(value, at, start - size, size);
  });
}

function slice([value, starts, ends, axes, steps]) {
  let found = value;
  starts.data.forEach((given, position) => {
    const axis = axisOf(axes ? axes.data[position] : position, value.shape.length), length = value.shape[axis];
    const step = steps ? steps.data[position] : 1;
    const limited = (index) => Math.min(Math.max(axisOf(index, length), 0), step > 0 ? length : length - 1);
    const end = ends.data[position];
    const start = limited(given), stop = step < 0 && end < -length ? -1 : limited(end);
    found = cut(found, axis, start, Math.max(0, Math.ceil((stop - start) / step)), step);
  });
  return [found];
}

function squeeze([value, axes]) {
  const gone = new Set(axes && [...axes.data].map((axis) => axisOf(axis, value.shape.length)));
  return [reshaped(value, value.shape.filter((length, axis) => (axes ? !gone.has(axis) : length !== 1)))];
}

function unsqueeze([value, axes]) {
  const shape = [...value.shape], rank = shape.length + axes.data.length;
  [...axes.data].map((axis) => axisOf(axis, rank)).sort((a, b) => a - b).forEach((axis) => shape.splice(axis, 0, 1));
  return [reshaped(value, shape)];
}

function reshape([value, wanted]) {
  const shape = [...wanted.data].map((length, axis) => (length === 0 ? value.shape[axis] : length));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = value.data.length / -sizeOf(shape);
  return [reshaped(value, shape)];
}

function expand([value, wanted]) {
  const shape = broadcastShape([value.shape, [...wanted.data]]), places = broadcastPlaces(value.shape, shape);
  const found = empty(value.type, shape);
  for (let index = 0; index < places.length; index++) found.data[index] = value.data[places[index]];
  return [found];
}

function where([condition, yes, no]) {
  const shape = broadcastShape([condition.shape, yes.shape, no.shape]);
  const [chosen, first, second] = [condition, yes, no].map((value) => broadcastPlaces(value.shape, shape));
  const found = empty(yes.type, shape);
  for (let index = 0; index < chosen.length; index++) {
    found.data[index] = condition.data[chosen[index]] ? yes.data[first[index]] : no.data[second[index]];
  }
  return [found];
}

function matmul([one, other]) {
  const a = one.shape.length === 1 ? reshaped(one, [1, one.shape[0]]) : one;
  const b = other.shape.length === 1 ? reshaped(other, [other.shape[0], 1]) : other;
  const [rows, inner] = a.shape.slice(-2), columns = b.shape[b.shape.length - 1];
  const batch = broadcastShape([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const [left, right] = [a, b].map((value) => broadcastPlaces(value.shape.slice(0, -2), batch));
  const found = empty(one.type, [...batch, rows, columns]);
  for (let block = 0; block < left.length; block++) {
    const from = left[block] * rows * inner, by = right[block] * inner * columns, to = block * rows * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a.data[from + row * inner + k] * b.data[by + k * columns + column];
        found.data[to + row * columns + column] = sum;
      }
    }
  }
  const shape = [...batch, ...(one.shape.length === 1 ? [] : [rows]), ...(other.shape.length === 1 ? [] : [columns])];
  return [reshaped(found, shape)];
}

function gemm([a, b, c], { alpha = 1, beta = 1, transA = 0, transB = 0 }) {
  const [product] = matmul([transA ? transposed(a, [1, 0]) : a, transB ? transposed(b, [1, 0]) : b]);
  const scaled = alpha === 1 ? product : mapped(product, product.type, (value) => alpha * value);
  return [c ? combined(scaled, c, scaled.type, (value, added) => value + beta * added) : scaled];
}

function softmax([value], { axis = -1 }) {
  const { outer, length, inner } = alongAxis(value.shape, axisOf(axis, value.shape.length));
  const found = empty(value.type, value.shape);
  for (let block = 0; block < outer * inner; block++) {
    const start = Math.floor(block / inner) * length * inner + (block % inner);
    let most = -Infinity, sum = 0;
    for (let k = 0; k < length; k++) most = Math.max(most, value.data[start + k * inner]);
    for (let k = 0; k < length; k++) sum += Math.exp(value.data[start + k * inner] - most);
    for (let k = 0; k < length; k++) found.data[start + k * inner] = Math.exp(value.data[start + k * inner] - most) / sum;
  }
  return [found];
}

function argMax([value], { axis = 0, keepdims = 1, select_last_index: last = 0 }) {
  const at = axisOf(axis, value.shape.length), { outer, length, inner } = alongAxis(value.shape, at);
  const found = empty(INT64, value.shape.map((one, other) => (other === at ? 1 : one)));
  for (let block = 0; block < outer * inner; block++) {
    const start = Math.floor(block / inner) * length * inner + (block % inner);
    let best = 0;
    for (let k = 1; k < length; k++) {
      const one = value.data[start + k * inner], most = value.data[start + best * inner];
      if (one > most || (last && one === most)) best = k;
    }
    found.data[block] = best;
  }
  return [keepdims ? found : reshaped(found, value.shape.filter((_, other) => other !== at))];
}

function topK([value, count], { axis = -1, largest = 1 }) {
  const at = axisOf(axis, value.shape.length), { outer, length, inner } = alongAxis(value.shape, at);
  const kept = count.data[0], shape = value.shape.map((one, other) => (other === at ? kept : one));
  const values = empty(value.type, shape), indices = empty(INT64, shape), sign = largest ? -1 : 1;
  for (let block = 0; block < outer * inner; block++) {
    const offset = block % inner, outside = Math.floor(block / inner), start = outside * length * inner + offset;
    const order = Array.from({ length }, (_, k) => k);
    order.sort((a, b) => sign * (value.data[start + a * inner] - value.data[start + b * inner]) || a - b);
    for (let k = 0; k < kept; k++) {
      values.data[(outside * kept + k) * inner + offset] = value.data[start + order[k] * inner];
      indices.data[(outside * kept + k) * inner + offset] = order[k];
    }
  }
  return [values, indices];
}

function cumSum([value, along], { exclusive = 0, reverse = 0 }) {
  const { outer, length, inner } = alongAxis(value.shape, axisOf(along.data[0], value.shape.length));
  const found = empty(value.type, value.shape);
  for (let block = 0; block < outer * inner; block++) {
    const start = Math.floor(block / inner) * length * inner + (block % inner);
    let sum = 0;
    for (let k = 0; k < length; k++) {
      const place = start + (reverse ? length - 1 - k : k) * inner;
      found.data[place] = exclusive ? sum : sum + value.data[place];
      sum += value.data[place];
    }
  }
  return [found];
}

// A map takes NaN for equal to itself, as the operator does.
function labelEncoder([value], attributes, node) {
  if (!node.codes) {
    const { keys, values, otherwise } = attributes;
    node.codes = { known: new Map([...keys.data].map((key, place) => [key, values.data[place]])), type: values.type, otherwise: otherwise.data[0] };
  }
  const { known, type, otherwise } = node.codes;
  return [mapped(value, type, (key) => (known.has(key) ? known.get(key) : otherwise))];
}

const OPERATORS = {
  Abs: unary(Math.abs),
  Add: binary((a, b) => a + b),
  And: compared((a, b) => a && b),
  ArgMax: argMax,
  BitwiseOr: binary((a, b) => Number(BigInt(a) | BigInt(b))),
  Cast: ([value], { to }) => [mapped(value, to, casting(to))],
  Clip: ([value, low, high]) => {
    const [least, most] = [low ? low.data[0] : -Infinity, high ? high.data[0] : Infinity];
    return [mapped(value, value.type, (one) => (one < least ? least : one > most ? most : one))];
  },
  Concat: concat,
  CumSum: cumSum,
  Div: ([one, other]) => [combined(one, other, one.type, isWhole(one.type) ? (a, b) => Math.trunc(a / b) : (a, b) => a / b)],
  Equal: compared((a, b) => a === b),
  Exp: unary(Math.exp),
  Expand: expand,
  Floor: unary(Math.floor),
  Gather: gather,
  GatherElements: gatherElements,
  Gemm: gemm,
  Greater: compared((a, b) => a > b),
  GreaterOrEqual: compared((a, b) => a >= b),
  Identity: ([value]) => [value],
  IsNaN: ([value]) => [mapped(value, BOOL, (one) => (Number.isNaN(one) ? 1 : 0))],
  LabelEncoder: labelEncoder,
  Less: compared((a, b) => a < b),
  LessOrEqual: compared((a, b) => a <= b),
  Log: unary(Math.log),
  MatMul: matmul,
  Max: chained(Math.max),
  Min: chained(Math.min),
  Mod: ([one, other], { fmod = 0 }) => [combined(one, other, one.type, fmod ? (a, b) => a % b : remainder)],
  Mul: binary((a, b) => a * b),
  Neg: unary((value) => -value),
  Not: ([value]) => [mapped(value, BOOL, (one) => (one ? 0 : 1))],
  Or: compared((a, b) => a || b),
  Pow: binary(power),
  ReduceMax: reduction(-Infinity, Math.max),
  ReduceMean: reduction(0, (sum, value) => sum + value, (sum, count) => sum / count),
  ReduceMin: reduction(Infinity, Math.min),
  ReduceSum: reduction(0, (sum, value) => sum + value),
  ReduceSumSquare: reduction(0, (sum, value) => sum + value * value),
  Relu: unary((value) => (value > 0 ? value : value === value ? 0 : value)),
  Reshape: reshape,
  Round: unary(roundToEven),
  Shape: ([value], { start = 0, end = value.shape.length }) => {
    const shape = value.shape.slice(start, end);
    return [{ type: INT64, shape: [shape.length], data: Float64Array.from(shape) }];
  },
  Sign: unary(Math.sign),
  Slice: slice,
  Softmax: softmax,
  Split: split,
  Sqrt: unary(Math.sqrt),
  Squeeze: squeeze,
  Sub: binary((a, b) => a - b),
  Sum: chained((a, b) => a + b),
  Tanh: unary(Math.tanh),
  TopK: topK,
  Transpose: ([value], { perm }) => [transposed(value, perm ? [...perm.data] : [...value.shape.keys()].reverse())],
  TreeEnsemble: treeEnsemble,
  Unsqueeze: unsqueeze,
  Where: where,
};
