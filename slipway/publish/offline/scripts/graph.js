// The compiled graph, evaluated: an ensemble of trees, and the walk through the nodes.

const COMPARISONS = [(a, b) => a <= b, (a, b) => a < b, (a, b) => a >= b, (a, b) => a > b, (a, b) => a === b, (a, b) => a !== b];

// Trees compare, and add their leaves, in the type of the matrix, one tree after the other.
function treeEnsemble([matrix], attributes, node) {
  const { n_targets: targets, tree_roots: roots, nodes_modes: modes } = attributes;
  const feature = attributes.nodes_featureids.data, threshold = attributes.nodes_splits.data;
  const yes = attributes.nodes_truenodeids.data, no = attributes.nodes_falsenodeids.data;
  const yesIsLeaf = attributes.nodes_trueleafs.data, noIsLeaf = attributes.nodes_falseleafs.data;
  const missingTrue = attributes.nodes_missing_value_tracks_true;
  const weight = attributes.leaf_weights.data, target = attributes.leaf_targetids.data;
  // Kept: there may be a hundred thousand of them.
  const comparisons = (node.comparisons ??= Array.from(modes.data, (mode) => COMPARISONS[mode]));
  const [rows, width] = matrix.shape, found = empty(matrix.type, [rows, targets]);
  for (let row = 0; row < rows; row++) {
    for (const root of roots.data) {
      let place = root, isLeaf = false;
      while (!isLeaf) {
        const value = matrix.data[row * width + feature[place]];
        const goes = value !== value ? missingTrue && missingTrue.data[place] : comparisons[place](value, threshold[place]);
        isLeaf = goes ? yesIsLeaf[place] : noIsLeaf[place];
        place = goes ? yes[place] : no[place];
      }
      found.data[row * targets + target[place]] += weight[place];
    }
  }
  return [found];
}

// From the graph's inputs, in order, to its outputs by name.
function evaluate(graph, inputs) {
  const values = new Map(graph.constants);
  graph.inputs.forEach((name, place) => values.set(name, inputs[place]));
  for (const node of graph.nodes) {
    const given = node.in.map((name) => (name === null ? undefined : values.get(name)));
    const found = OPERATORS[node.op](given, node.at, node);
    node.out.forEach((name, place) => values.set(name, found[place]));
  }
  return Object.fromEntries(graph.outputs.map(([name, value]) => [name, values.get(value)]));
}

// What `packing.py` has written: JSON, and the numbers behind it.
async function unpacked(text) {
  const zipped = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const start = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const content = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  const { graph } = content, numbers = bytes.subarray(start);
  graph.constants = graph.constants.map(([name, value]) => [name, revived(value, numbers)]);
  for (const { at } of graph.nodes) {
    for (const [name, value] of Object.entries(at)) if (value.shape) at[name] = revived(value, numbers);
  }
  return content;
}

const STORED = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };

// The first bytes of all values come first, then the second ones: so they are packed smaller.
function revived({ type, shape, kind, start, texts }, bytes) {
  if (texts) return { type, shape, data: texts };
  const size = sizeOf(shape), width = STORED[kind].BYTES_PER_ELEMENT, plain = new Uint8Array(size * width);
  for (let byte = 0; byte < width; byte++) {
    const from = start + byte * size;
    for (let place = 0; place < size; place++) plain[place * width + byte] = bytes[from + place];
  }
  const data = new STORED[kind](plain.buffer);
  return { type, shape, data: data instanceof ARRAYS[type] ? data : ARRAYS[type].from(data) };
}
