/** For tests only: small networks in which units reach the scores in every kind of way. */
import { testRuntime } from './gradcheck.ts';
import { arrayDataset, random, type Dataset } from '../../src/data/index.ts';
import * as layers from '../../src/lab/networks/layers.ts';
import { float32, sizeOf, type Graph, type Model, type TensorOf } from '../../src/onnx/index.ts';
import { computeOutputs } from '../../src/train/index.ts';
import { type Network, openClassifier } from '../../src/network/index.ts';
import type { Fold } from '../../src/channels/fold.ts';
import { siteNamed, sitesOf, type Site } from '../../src/channels/sites.ts';

export const SAMPLE = [2, 6, 6];
export const CLASSES = 3;

/** A network with a site, and the expected form of its mask. */
export interface Specimen {
  readonly name: string;
  readonly model: Model;
  readonly site: string;
  readonly fold: Fold['into'];
}

type Net = layers.NetworkBuilder;

const { conv, flatten, linear, pool, relu } = layers;

/** Normal values, rounded so that sums of some hundred lose few digits. */
export function draw(net: Net, dims: readonly number[], scale = 0.3): TensorOf<'float32'> {
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => scale * net.draw.normal()),
  );
}

const weight = (net: Net, name: string, dims: readonly number[], scale?: number) =>
  net.b.initializer(name, draw(net, dims, scale));

/** Builds a classifier of `SAMPLE`s from a function that builds its middle part. */
export function built(seed: number, body: (net: Net, x: string) => string): Model {
  const net = layers.network(seed);
  const x = net.b.input('image', 'float32', ['N', ...SAMPLE]);
  return layers.finish(net, body(net, x), CLASSES, { name: 'specimen' });
}

const sigmoid = (net: Net, x: string, name = 'site') => net.b.op('Sigmoid', [x], {}, name);
const first = (net: Net, x: string, to = 4) =>
  conv(net, x, 'conv1', { from: 2, to, kernel: 3, pad: 1 });
const head = (net: Net, x: string, width: number) =>
  linear(net, flatten(net, x), 'fc', width, CLASSES);
const bare = (net: Net, x: string, name: string, dims: readonly number[], group = 1) =>
  net.b.op('Conv', [x, weight(net, `${name}.weight`, dims)], { group }, name);

const WHOLE = 36;

const bodies: Record<string, readonly [Fold['into'], (net: Net, x: string) => string]> = {
  // The mask is folded into the producer.
  'Conv with bias': ['producer', (n, x) => head(n, relu(n, first(n, x), 'site'), 4 * WHOLE)],
  'Conv without bias': [
    'producer',
    (n, x) => head(n, relu(n, bare(n, x, 'conv1', [4, 2, 3, 3]), 'site'), 4 * 16),
  ],
  'Conv and BatchNormalization': [
    'producer',
    (n, x) => {
      const parameters = ['scale', 'shift', 'mean'].map((name) => weight(n, `bn.${name}`, [4]));
      const variance = n.b.initializer('bn.var', float32([4], [0.5, 1, 2, 0.1]));
      const normed = n.b.op('BatchNormalization', [first(n, x), ...parameters, variance], {}, 'bn');
      return head(n, relu(n, normed, 'site'), 4 * WHOLE);
    },
  ],
  'depthwise Conv': [
    'producer',
    (n, x) => {
      const d = conv(n, first(n, x), 'deep', { from: 4, to: 8, kernel: 3, group: 4 });
      return head(n, relu(n, d, 'site'), 8 * 16);
    },
  ],
  'grouped Conv': [
    'producer',
    (n, x) => {
      const g = conv(n, first(n, x), 'grouped', { from: 4, to: 6, kernel: 3, group: 2 });
      return head(n, relu(n, g, 'site'), 6 * 16);
    },
  ],
  'a sum of two Convs': [
    'producer',
    (n, x) => {
      const two = conv(n, x, 'conv2', { from: 2, to: 4, kernel: 1 });
      return head(n, relu(n, n.b.op('Add', [first(n, x), two]), 'site'), 4 * WHOLE);
    },
  ],
  'Conv and a bias added': [
    'producer',
    (n, x) => {
      const sum = n.b.op('Add', [first(n, x), weight(n, 'added', [4, 1, 1])]);
      return head(n, relu(n, sum, 'site'), 4 * WHOLE);
    },
  ],
  'a Concat of two Convs': [
    'producer',
    (n, x) => {
      const two = conv(n, x, 'conv2', { from: 2, to: 3, kernel: 1 });
      const both = n.b.op('Concat', [first(n, x), two], { axis: 1 });
      return head(n, relu(n, both, 'site'), 7 * WHOLE);
    },
  ],
  'Gemm, transposed': [
    'producer',
    (n, x) => linear(n, relu(n, linear(n, flatten(n, x), 'fc1', 72, 8), 'site'), 'fc2', 8, CLASSES),
  ],
  'Gemm, not transposed': [
    'producer',
    (n, x) => {
      const inputs = [flatten(n, x), weight(n, 'fc1.weight', [72, 8]), weight(n, 'fc1.bias', [8])];
      const hidden = relu(n, n.b.op('Gemm', inputs), 'site');
      const last = [hidden, weight(n, 'fc2.weight', [8, CLASSES]), weight(n, 'fc2.bias', [3])];
      return n.b.op('Gemm', last, { alpha: { float: 0.5 } });
    },
  ],
  'MatMul and a bias added': [
    'producer',
    (n, x) => {
      const product = n.b.op('MatMul', [flatten(n, x), weight(n, 'fc1.weight', [72, 8])]);
      const hidden = relu(n, n.b.op('Add', [product, weight(n, 'fc1.bias', [8])]), 'site');
      const scores = n.b.op('MatMul', [hidden, weight(n, 'fc2.weight', [8, CLASSES])]);
      return n.b.op('Add', [scores, weight(n, 'fc2.bias', [CLASSES])]);
    },
  ],
  'DeepID: two layers read one pool': [
    'producer',
    (n, x) => {
      const p = pool(n, 'MaxPool', relu(n, first(n, x), 'site'), 'pool');
      const c = relu(n, conv(n, p, 'conv2', { from: 4, to: 5, kernel: 2 }), 'relu2');
      const f1 = linear(n, flatten(n, p, 'flatten1'), 'fc1', 36, 6);
      const f2 = linear(n, flatten(n, c, 'flatten2'), 'fc2', 20, 6);
      const feature = relu(n, n.b.op('Add', [f1, f2]), 'relu3');
      const kept = n.b.op('Dropout', [feature]);
      return linear(n, kept, 'fc3', 6, CLASSES);
    },
  ],
  'DeepID: a way round the site': [
    'producer',
    (n, x) => {
      const p = pool(n, 'MaxPool', relu(n, first(n, x), 'relu1'), 'pool');
      const c = relu(n, conv(n, p, 'conv2', { from: 4, to: 5, kernel: 2 }), 'site');
      const f1 = linear(n, flatten(n, p, 'flatten1'), 'fc1', 36, 6);
      const f2 = linear(n, flatten(n, c, 'flatten2'), 'fc2', 20, 6);
      return linear(n, relu(n, n.b.op('Add', [f1, f2]), 'relu3'), 'fc3', 6, CLASSES);
    },
  ],
  'a residual read by a layer and a sum': [
    'producer',
    (n, x) => {
      const r = relu(n, first(n, x), 'site');
      const c = conv(n, r, 'conv2', { from: 4, to: 4, kernel: 3, pad: 1 });
      return head(n, relu(n, n.b.op('Add', [c, r]), 'relu2'), 4 * WHOLE);
    },
  ],
  'the image added again': [
    'producer',
    (n, x) => {
      const c = conv(n, relu(n, first(n, x), 'site'), 'conv2', { from: 4, to: 2, kernel: 1 });
      return head(n, relu(n, n.b.op('Add', [c, x]), 'relu2'), 2 * WHOLE);
    },
  ],
  'Swish, written as PyTorch does': [
    'producer',
    (n, x) => {
      const c = first(n, x);
      return head(n, n.b.op('Mul', [c, n.b.op('Sigmoid', [c])], {}, 'site'), 4 * WHOLE);
    },
  ],
  'GELU, written with erf': [
    'producer',
    (n, x) => {
      const c = linear(n, flatten(n, x), 'fc1', 72, 8);
      const erf = n.b.op('Erf', [n.b.op('Div', [c, n.b.scalar(Math.SQRT2)])]);
      const whole = n.b.op('Mul', [c, n.b.op('Add', [erf, n.b.scalar(1)])], {}, 'site');
      return linear(n, n.b.op('Mul', [whole, n.b.scalar(0.5)]), 'fc2', 8, CLASSES);
    },
  ],
  'weights transposed on the way': [
    'producer',
    (n, x) => {
      const turned = n.b.op('Transpose', [weight(n, 'fc1.weight', [8, 72])], { perm: [1, 0] });
      const hidden = relu(n, n.b.op('MatMul', [flatten(n, x), turned]), 'site');
      return linear(n, hidden, 'fc2', 8, CLASSES);
    },
  ],
  'weights transposed before and after': [
    'producer',
    (n, x) => {
      const turn = (name: string, dims: readonly number[]) =>
        n.b.op('Transpose', [weight(n, name, dims)], { perm: [1, 0] });
      const hidden = n.b.op('MatMul', [flatten(n, x), turn('fc1.weight', [8, 72])]);
      const scores = n.b.op('MatMul', [relu(n, hidden, 'site'), turn('fc2.weight', [CLASSES, 8])]);
      return n.b.op('Add', [scores, weight(n, 'fc2.bias', [CLASSES])]);
    },
  ],
  'a layer of tokens, as transformers have': [
    'producer',
    (n, x) => {
      const tokens = n.b.op('Reshape', [x, n.b.ints([-1, 12, 6])]);
      const product = n.b.op('MatMul', [tokens, weight(n, 'fc1.weight', [6, 8])]);
      const hidden = relu(n, n.b.op('Add', [product, weight(n, 'fc1.bias', [8])]), 'site');
      const mixed = n.b.op('MatMul', [hidden, weight(n, 'fc2.weight', [8, 6])]);
      const all = n.b.op('ReduceMean', [n.b.op('Tanh', [mixed]), n.b.ints([1])], { keepdims: 0 });
      return linear(n, all, 'fc3', 6, CLASSES);
    },
  ],
  Relu6: [
    'producer',
    (n, x) => {
      const s = n.b.op('Clip', [first(n, x), n.b.scalar(0), n.b.scalar(6)], {}, 'site');
      return head(n, s, 4 * WHOLE);
    },
  ],
  'a lone unit': ['producer', (n, x) => head(n, relu(n, first(n, x, 1), 'site'), WHOLE)],

  // The mask is folded into the consumers: the sigmoid of zero is not zero.
  'two layers read one pool': [
    'consumers',
    (n, x) => {
      const p = pool(n, 'AveragePool', sigmoid(n, first(n, x)), 'pool');
      const c = relu(n, conv(n, p, 'conv2', { from: 4, to: 5, kernel: 2 }), 'relu2');
      const f1 = linear(n, flatten(n, p, 'flatten1'), 'fc1', 36, CLASSES);
      const f2 = linear(n, flatten(n, c, 'flatten2'), 'fc2', 20, CLASSES);
      return n.b.op('Add', [f1, f2]);
    },
  ],
  'Flatten: a unit becomes columns': [
    'consumers',
    (n, x) => head(n, sigmoid(n, first(n, x)), 4 * WHOLE),
  ],
  'channels last, then Reshape': [
    'consumers',
    (n, x) => {
      const last = n.b.op('Transpose', [sigmoid(n, first(n, x))], { perm: [0, 2, 3, 1] });
      const flat = n.b.op('Reshape', [last, n.b.ints([-1, 4 * WHOLE])]);
      return linear(n, flat, 'fc', 4 * WHOLE, CLASSES);
    },
  ],
  'Concat with others': [
    'consumers',
    (n, x) => {
      const two = conv(n, x, 'conv2', { from: 2, to: 3, kernel: 3, pad: 1 });
      const both = n.b.op('Concat', [two, sigmoid(n, first(n, x))], { axis: 1 });
      return head(n, relu(n, conv(n, both, 'conv3', { from: 7, to: 4, kernel: 3 }), 'relu3'), 64);
    },
  ],
  'Concat of two pools of the site': [
    'consumers',
    (n, x) => {
      const s = sigmoid(n, first(n, x));
      const pools = [n.b.op('GlobalMaxPool', [s]), n.b.op('GlobalAveragePool', [s])];
      return head(n, n.b.op('Concat', pools, { axis: 1 }), 8);
    },
  ],
  'depthwise Conv without bias': [
    'consumers',
    (n, x) => {
      const d = bare(n, sigmoid(n, first(n, x)), 'deep', [8, 1, 3, 3], 4);
      return head(n, relu(n, conv(n, d, 'conv2', { from: 8, to: 5, kernel: 1 }), 'relu2'), 80);
    },
  ],
  'a residual sum that a layer makes of what it is added to': [
    // The units of the first activation also reach the site through the layer, each to all.
    'consumers',
    (n, x) => {
      const r = relu(n, first(n, x), 'relu1');
      const c = conv(n, r, 'conv2', { from: 4, to: 4, kernel: 3, pad: 1 });
      return head(n, relu(n, n.b.op('Add', [c, r]), 'site'), 4 * WHOLE);
    },
  ],
  'Swish, written as a Mul by its own sigmoid': [
    'consumers',
    (n, x) => {
      const c = first(n, x);
      return head(n, n.b.op('Mul', [n.b.op('Sigmoid', [c]), c], {}, 'site'), 4 * WHOLE);
    },
  ],
  'Clip that starts above zero, and global pooling': [
    'consumers',
    (n, x) => {
      const bounds = [n.b.scalar(0.1), n.b.scalar(0.4)];
      const s = n.b.op('Clip', [first(n, x), ...bounds], {}, 'site');
      return head(n, n.b.op('GlobalAveragePool', [s]), 4);
    },
  ],
  'one Conv weight for two layers': [
    'consumers',
    (n, x) => {
      const s = relu(n, first(n, x), 'site');
      const shared = n.b.op('Conv', [x, 'conv1.weight', 'conv1.bias'], { pads: [1, 1, 1, 1] });
      const second = conv(n, s, 'conv2', { from: 4, to: 4, kernel: 1 });
      return head(n, n.b.op('Add', [second, shared]), 4 * WHOLE);
    },
  ],
  'a Gemm bias of one value': [
    'consumers',
    (n, x) => {
      const inputs = [flatten(n, x), weight(n, 'fc1.weight', [72, 8]), weight(n, 'fc1.bias', [1])];
      return linear(n, relu(n, n.b.op('Gemm', inputs), 'site'), 'fc2', 8, CLASSES);
    },
  ],

  // The mask is a separate Mul node.
  'depthwise Conv with bias': [
    'mul',
    (n, x) => {
      const s = sigmoid(n, first(n, x));
      const d = conv(n, s, 'deep', { from: 4, to: 4, kernel: 3, group: 4 });
      return head(n, relu(n, conv(n, d, 'conv2', { from: 4, to: 5, kernel: 1 }), 'relu2'), 80);
    },
  ],
  'grouped Conv that reads': [
    'mul',
    (n, x) => {
      const s = sigmoid(n, first(n, x));
      const g = conv(n, s, 'grouped', { from: 4, to: 6, kernel: 3, group: 2 });
      return head(n, relu(n, g, 'relu2'), 96);
    },
  ],
  'residual Add after a sigmoid': [
    'mul',
    (n, x) => {
      const s = sigmoid(n, first(n, x));
      const c = conv(n, s, 'conv2', { from: 4, to: 4, kernel: 3, pad: 1 });
      return head(n, relu(n, n.b.op('Add', [c, s]), 'relu2'), 4 * WHOLE);
    },
  ],
  'channels shuffled': [
    'mul',
    (n, x) => {
      const groups = n.b.op('Reshape', [sigmoid(n, first(n, x)), n.b.ints([-1, 2, 2, 6, 6])]);
      const turned = n.b.op('Transpose', [groups], { perm: [0, 2, 1, 3, 4] });
      return head(n, n.b.op('Reshape', [turned, n.b.ints([-1, 4, 6, 6])]), 4 * WHOLE);
    },
  ],
};

export const specimens: readonly Specimen[] = Object.entries(bodies).map(
  ([name, [fold, body]], index) => ({ name, fold, site: 'site', model: built(index + 1, body) }),
);

export function specimen(name: string): Specimen {
  const found = specimens.find((one) => one.name === name);
  if (!found) throw new Error(`no specimen "${name}"`);
  return found;
}

/** Random images; the label is the brightest of the first three rows. */
export function images(length: number, seed = 1): Dataset {
  const rng = random(seed, 'images');
  const size = sizeOf(SAMPLE);
  const data = Float32Array.from({ length: length * size }, () => rng.normal());
  const labels = Int32Array.from({ length }, (_, index) => {
    const rows = Array.from({ length: CLASSES }, (_, row) =>
      data.subarray(index * size + 6 * row, index * size + 6 * row + 6).reduce((a, b) => a + b, 0),
    );
    return rows.indexOf(Math.max(...rows));
  });
  return arrayDataset({
    name: `images/${seed}`,
    classes: ['top', 'middle', 'bottom'],
    sample: SAMPLE,
    labels,
    data,
  });
}

export async function opened(
  model: Model,
  site?: string,
): Promise<{ classifier: Network; sites: Site[]; site: Site }> {
  const classifier = await openClassifier(await testRuntime(), model, images(4));
  const sites = sitesOf(classifier.traced, classifier.scores);
  return { classifier, sites, site: siteNamed(sites, site ?? (sites.at(-1) as Site).name) };
}

/** A graph's scores on a data set, dims [samples, classes]. */
export async function scoresOf(
  { input, scores }: Network,
  graph: Graph,
  dataset: Dataset,
): Promise<Float32Array> {
  const results = await computeOutputs(await testRuntime(), graph, dataset, {
    input,
    outputs: [scores],
  });
  return (results[scores] as TensorOf<'float32'>).data;
}

/** The definition of pruning: all consumers of the site read site x mask. */
export function explicitlyMasked(graph: Graph, site: Site, pruned: readonly number[]): Graph {
  const [times, mask] = [`${site.name} times mask`, `the mask of ${site.name}`];
  const dims = [1, ...site.dims.map((dim, axis) => (axis + 1 === site.axis ? dim : 1))];
  const zeros = Array.from({ length: site.units }, (_, unit) => (pruned.includes(unit) ? 0 : 1));
  const after = graph.nodes.findIndex((node) => node.outputs.includes(site.name)) + 1;
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === site.name ? times : name)),
  }));
  nodes.splice(after, 0, {
    op: 'Mul',
    domain: '',
    name: times,
    inputs: [site.name, mask],
    outputs: [times],
    attributes: {},
  });
  return {
    ...graph,
    nodes,
    initializers: new Map([...graph.initializers, [mask, float32(dims, zeros)]]),
  };
}

/** The largest elementwise difference of two arrays. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values and ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= most)) most = difference;
  }
  return most;
}
