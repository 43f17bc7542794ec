// Values of the graph: `type` as ONNX numbers types, `shape`, and `data`, the last dimension next to each other.
// A Float32Array rounds what is stored in it, so that float32 is added up as float32. int64 is kept in doubles: all whole
// numbers up to 2 ** 53 are exact there.

const FLOAT = 1, UINT8 = 2, INT32 = 6, INT64 = 7, STRING = 8, BOOL = 9, DOUBLE = 11;
const ARRAYS = {
  [FLOAT]: Float32Array, [UINT8]: Uint8Array, [INT32]: Int32Array, [INT64]: Float64Array, [BOOL]: Uint8Array,
  [DOUBLE]: Float64Array,
};

const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);

function empty(type, shape) {
  const size = sizeOf(shape);
  return { type, shape, data: type === STRING ? new Array(size) : new ARRAYS[type](size) };
}

function reshaped(value, shape) {
  return { type: value.type, shape, data: value.data };
}

const isWhole = (type) => type === INT64 || type === INT32 || type === UINT8;

// An axis counted from the end, from the start.
const axisOf = (axis, rank) => (axis < 0 ? axis + rank : axis);

function stridesOf(shape) {
  const strides = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

function broadcastShape(shapes) {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const found = new Array(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const place = rank - shape.length + axis;
      if (shape[axis] !== 1) {
        if (found[place] !== 1 && found[place] !== shape[axis]) throw new Error(`shapes ${JSON.stringify(shapes)} do not fit`);
        found[place] = shape[axis];
      }
    }
  }
  return found;
}

// For each place of `out`, walked through in order, the place in a tensor with these strides.
function placesOf(out, strides) {
  const size = sizeOf(out), places = new Int32Array(size), rank = out.length;
  const counter = new Array(rank).fill(0);
  let place = 0;
  for (let index = 0; index < size; index++) {
    places[index] = place;
    for (let axis = rank - 1; axis >= 0; axis--) {
      counter[axis] += 1;
      place += strides[axis];
      if (counter[axis] < out[axis]) break;
      place -= strides[axis] * out[axis];
      counter[axis] = 0;
    }
  }
  return places;
}

function broadcastPlaces(shape, out) {
  const own = stridesOf(shape), before = out.length - shape.length;
  return placesOf(out, out.map((_, axis) => (axis < before || shape[axis - before] === 1 ? 0 : own[axis - before])));
}

const sameShape = (one, other) => one.length === other.length && one.every((length, axis) => length === other[axis]);

function mapped(value, type, calculate) {
  const found = empty(type, value.shape);
  for (let index = 0; index < found.data.length; index++) found.data[index] = calculate(value.data[index]);
  return found;
}

function combined(one, other, type, calculate) {
  const shape = sameShape(one.shape, other.shape) ? one.shape : broadcastShape([one.shape, other.shape]);
  const found = empty(type, shape), left = one.data, right = other.data, data = found.data;
  if (left.length === data.length && right.length === data.length) {
    for (let index = 0; index < data.length; index++) data[index] = calculate(left[index], right[index]);
  } else if (left.length === data.length && right.length === 1) {
    for (let index = 0; index < data.length; index++) data[index] = calculate(left[index], right[0]);
  } else {
    const first = broadcastPlaces(one.shape, shape), second = broadcastPlaces(other.shape, shape);
    for (let index = 0; index < data.length; index++) data[index] = calculate(left[first[index]], right[second[index]]);
  }
  return found;
}

// The tensor with its axes in this order; a copy.
function transposed(value, order) {
  const strides = stridesOf(value.shape), shape = order.map((axis) => value.shape[axis]);
  const places = placesOf(shape, order.map((axis) => strides[axis]));
  const found = empty(value.type, shape);
  for (let index = 0; index < places.length; index++) found.data[index] = value.data[places[index]];
  return found;
}

// A tensor seen as `outer` blocks of `length` steps along an axis, with `inner` values next to each other at each step.
function alongAxis(shape, axis) {
  return { outer: sizeOf(shape.slice(0, axis)), length: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}
