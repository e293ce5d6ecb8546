import { beforeAll, describe, expect, it } from 'vitest';
import {
  float,
  float32,
  type Graph,
  int64,
  type Model,
  type Node,
  type Tensor,
  type TensorOf,
} from '../onnx/index.ts';
import { nodeRuntime, type Runtime } from '../runtime/index.ts';
import { normalize, NormalizeError, ruleName, rules } from './normalize.ts';
import {
  around,
  bothWays,
  type Case,
  checks,
  difference,
  modelOf,
  node,
  outputsOf,
  sample,
} from '../../test/helpers/normalize.ts';
import { fromFloat32 } from './precision.ts';

const { same } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);
const half = (tensor: Tensor) => fromFloat32(tensor as TensorOf<'float32'>, 'float16');
const double = (tensor: Tensor) => fromFloat32(tensor as TensorOf<'float32'>, 'float64');

let runtime: Runtime;

beforeAll(async () => {
  runtime = await nodeRuntime({ threads: 1 });
});

function thrown(test: Case | Model): NormalizeError {
  try {
    normalize('graph' in test ? test : modelOf(test), 'to' in test ? test.to : {});
  } catch (error) {
    if (error instanceof NormalizeError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('Constant nodes', () => {
  it('of every kind become initializers with the same name', async () => {
    const { normalized } = await same({
      opset: 12,
      nodes: [
        node('Constant', [], { value: sample(2, 2) }, ['tensor']),
        node('Constant', [], { value_float: float(1.5) }, ['scalar']),
        node('Constant', [], { value_floats: { floats: [0.5, 2] } }, ['list']),
        node('Constant', [], { value_int: -1 }, ['int']),
        node('Constant', [], { value_ints: [5, 3] }, ['ints']),
        node('Constant', [], { value_string: 'a' }, ['string']),
        node('Constant', [], { value_strings: ['a', 'b'] }, ['strings']),
        node('Mul', ['tensor', 'scalar'], {}, ['a']),
        node('Add', ['a', 'list'], {}, ['b']),
        node('Add', ['ints', 'int'], {}, ['dims']),
        node('Expand', ['b', 'two'], {}, ['c']),
        node('Reshape', ['c', 'dims'], {}, ['y']),
      ],
      initializers: { two: int64([3], [2, 2, 2]) },
    });
    const { nodes, initializers } = normalized.graph;
    expect(nodes.map(({ op }) => op)).toEqual(['Mul', 'Add', 'Add', 'Expand', 'Reshape']);
    expect(initializers.get('tensor')).toEqual(sample(2, 2));
    expect(initializers.get('int')).toEqual(int64([], [-1]));
    expect(initializers.get('strings')).toEqual({ type: 'string', dims: [2], data: ['a', 'b'] });
  });

  it('may be outputs', () =>
    same({ opset: 13, nodes: [node('Constant', [], { value: sample(3) })] }));

  it('without a value are refused', () => {
    const error = thrown({ opset: 13, nodes: [node('Constant', [])] });
    expect(error.code).toBe('graph/malformed');
    expect(error.message).toContain('"Constant_y"');
  });
});

describe('names', () => {
  it('of new values collide with none, also in subgraphs', async () => {
    const taken = ['Clip_y.constant', 'Softmax_z.Flatten', 'Softmax_z.Softmax'];
    const { normalized } = await same({
      opset: 9,
      feeds: { x, 'Clip_y.constant': x },
      nodes: [
        node('Softmax', ['x'], {}, ['z']),
        ...taken.slice(1).map((name) => node('Relu', ['x'], {}, [name])),
        { ...node('Relu', ['x'], {}, ['other']), name: 'Softmax_z.Shape' },
        node('Clip', ['z'], { min: float(0.01), max: float(0.5) }),
      ],
      outputs: ['y', ...taken.slice(1)],
    });
    const made = normalized.graph.nodes.flatMap(({ outputs }) => outputs);
    const all = [...made, 'x', ...normalized.graph.initializers.keys()];
    expect(new Set(all).size).toBe(all.length);
    const named = normalized.graph.nodes.map(({ name }) => name);
    expect(new Set(named).size).toBe(named.length);
  });

  it('of nodes stay with the node that produces the old output', () => {
    const { graph } = normalize(
      modelOf({ opset: 9, feeds: { x }, nodes: [node('Softmax', ['x'])] }),
    );
    expect(graph.nodes.map(({ op, name }) => [op, name])).toEqual([
      ['Flatten', 'Softmax_y.Flatten'],
      ['Softmax', 'Softmax_y.Softmax'],
      ['Shape', 'Softmax_y.Shape'],
      ['Reshape', 'Softmax_y'],
    ]);
  });
});

describe('changes', () => {
  it('name the rule and the node, in order', () => {
    const { changes } = normalize(
      modelOf({
        opset: 9,
        feeds: { x },
        nodes: [
          node('Relu', ['x'], {}, ['a']),
          { ...node('Clip', ['a'], { min: float(0) }, ['b']), name: '' },
          node('Upsample', ['b', 's']),
        ],
        initializers: { s: half(float32([4], [1, 1, 2, 2])) },
      }),
    );
    expect(changes.map(({ node, rule }) => `${node}: ${rule}`)).toEqual([
      's: precision',
      'b: Clip before 11',
      'Upsample_y: Upsample before 10',
      'Upsample_y: Resize before 11',
      'Upsample_y: Resize before 13',
    ]);
    for (const { detail } of changes) expect(detail).not.toBe('');
  });
});

const info = (name: string, type: Tensor['type'] = 'float32') => ({ name, type });
const scalar = (name: string, type: Tensor['type']) => ({ name, type, dims: [] });
const body = (parts: Partial<Graph>): Graph => ({
  name: 'body',
  inputs: [],
  outputs: [],
  nodes: [],
  initializers: new Map(),
  ...parts,
});

describe('subgraphs of control flow', () => {
  const yes: Tensor = { type: 'bool', dims: [], data: Uint8Array.of(1) };

  for (const way of [0, 1]) {
    it(`of If, taken ${way ? 'then' : 'else'}, are normalized too`, () =>
      same({
        opset: 9,
        feeds: { x, c: { type: 'bool', dims: [], data: Uint8Array.of(way) } },
        nodes: [
          node('If', ['c'], {
            then_branch: body({
              nodes: [
                node('Unsqueeze', ['x'], { axes: [0] }, ['u']),
                node('Clip', ['u'], { max: float(0.5) }, ['t']),
              ],
              outputs: [info('t')],
            }),
            else_branch: body({
              nodes: [node('Constant', [], { value: sample(1, 2, 3, 4, 5) }, ['e'])],
              outputs: [info('e')],
            }),
          }),
        ],
      }));
  }

  it('of Loop are normalized too, and know the outer values', async () => {
    const { normalized } = await same({
      opset: 10,
      feeds: { x },
      initializers: { n: int64([], [3]), yes, s: float32([4], [1, 1, 2, 1]) },
      nodes: [
        node(
          'Loop',
          ['n', 'yes', 'x'],
          {
            body: body({
              inputs: [scalar('i', 'int64'), scalar('go', 'bool'), info('v')],
              nodes: [
                node('Identity', ['go'], {}, ['on']),
                node('Resize', ['v', 's'], {}, ['r']),
                node('Slice', ['r', 'from', 'to', 'axis'], {}, ['w']),
                node('ReduceSum', ['w'], { axes: [0, 1, 2, 3], keepdims: 0 }, ['sum']),
              ],
              initializers: new Map([
                ['from', int64([1], [0])],
                ['to', int64([1], [4])],
                ['axis', int64([1], [2])],
              ]),
              outputs: [scalar('on', 'bool'), info('w'), info('sum')],
            }),
          },
          ['y', 'sums'],
        ),
      ],
      outputs: ['y', 'sums'],
    });
    const inner = normalized.graph.nodes[0]?.attributes['body'] as Graph;
    // Scales known from around: one Resize, not the two that any scales need.
    expect(inner.nodes.filter(({ op }) => op === 'Resize')).toHaveLength(1);
  });
});

describe('precision', () => {
  const w = sample(4, 3, 3, 3);
  const conv = (tensor: Tensor): Case => ({
    opset: 11,
    feeds: { x: tensor },
    initializers: { w: half(w) },
    nodes: [
      node('Conv', ['x', 'w'], {}, ['c']),
      node('Constant', [], { value: half(float32([], [0.5])) }, ['k']),
      node('Mul', ['c', 'k'], {}, ['m']),
      node('Softmax', ['m'], { axis: -1 }),
    ],
  });

  it('a float16 network becomes float32, with equal or smaller error', async () => {
    const model = modelOf(conv(half(x)));
    const { graph, opsets, types } = normalize(model);
    const [before] = Object.values(await outputsOf(runtime, model, { x: half(x) }));
    const after = await outputsOf(runtime, around(graph, opsets), { x });
    expect(before?.type).toBe('float16');
    expect(after['y']?.type).toBe('float32');
    const apart = difference(half(after['y'] as Tensor), before);
    // As bit patterns of numbers below 1: a few units in the last place.
    expect(apart).toBeLessThanOrEqual(8);
    expect(Object.fromEntries(types)).toEqual({ x: 'float16', w: 'float16', k: 'float16' });
    expect(graph.initializers.get('w')?.type).toBe('float32');
    expect(graph.inputs[0]?.type).toBe('float32');
  });

  it('element types in attributes (Cast, random operators) change too', async () => {
    const nodes: Node[] = [
      node('Cast', ['x'], { to: 10 }, ['a']),
      node('EyeLike', ['a2'], { dtype: 11 }, ['b']),
      node('RandomNormal', [], { dtype: 16, shape: [2] }, ['c']),
      node('RandomUniformLike', ['a'], { dtype: 10 }, ['d']),
      node('HannWindow', ['n'], { output_datatype: 11 }, ['e']),
      node('ConstantOfShape', ['dims'], { value: double(float32([1], [2])) }, ['f']),
      node('Cast', ['x'], { to: 7 }, ['g']),
    ];
    const model = modelOf({
      opset: 17,
      feeds: { x: half(x), a2: sample(3, 3) },
      initializers: { n: int64([], [4]), dims: int64([1], [2]) },
      nodes,
      outputs: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
    });
    const { graph, opsets } = normalize(model);
    const results = await outputsOf(runtime, around(graph, opsets), { x, a2: sample(3, 3) });
    const typesOf = Object.entries(results).map(([name, { type }]) => `${name} ${type}`);
    expect(typesOf).toEqual([
      ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name} float32`),
      'g int64',
    ]);
  });

  it('float64 is converted, or kept also in nodes that rules add', async () => {
    const test: Case = {
      opset: 10,
      feeds: { x: double(x) },
      nodes: [
        node('Pad', ['x'], { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: float(0.5) }, ['p']),
        node('Softmax', ['p'], { axis: 1 }, ['s']),
        node('Clip', ['s'], { min: float(0.01), max: float(0.5) }),
      ],
    };
    const wide = normalize(modelOf(test), { float64: 'keep' });
    const narrow = normalize(modelOf(test));
    const a = await outputsOf(runtime, around(wide.graph, wide.opsets), { x: double(x) });
    const b = await outputsOf(runtime, around(narrow.graph, narrow.opsets), { x });
    expect(wide.types.size).toBe(0);
    expect(a['y']?.type).toBe('float64');
    expect(difference(a['y'], double(b['y'] as Tensor))).toBeLessThan(1e-6);
  });

  it('outputs without a type stay without one', () => {
    const { graph } = normalize(modelOf(conv(half(x))));
    expect(graph.outputs).toEqual([{ name: 'y' }]);
  });
});

it('does not change operators of other domains', async () => {
  const { normalized } = await bothWays(runtime, {
    opset: 12,
    domains: { 'com.microsoft': 1 },
    feeds: { x },
    nodes: [node('Gelu', ['x'], {}, ['y'], 'com.microsoft')],
  });
  expect(normalized.changes).toEqual([]);
  expect(normalized.opsets.get('com.microsoft')).toBe(1);
});

describe('refusals', () => {
  it('name an opset that is too old, too new or missing', () => {
    for (const opset of [6, 27]) {
      const error = thrown({ opset, nodes: [] });
      expect(error.code).toBe('graph/opset');
      expect(error.message).toContain(String(opset));
    }
    const model = modelOf({ opset: 9, nodes: [] });
    expect(thrown({ ...model, opsets: new Map() }).code).toBe('graph/opset');
  });

  const to = { opset: 18 };
  const refused: Record<string, Case> = {
    'Scan before 9': { opset: 8, nodes: [node('Scan', ['x'])] },
    'Dropout before 12': {
      opset: 9,
      nodes: [node('Dropout', ['x'], {}, ['y', 'm']), node('Relu', ['m'], {}, ['z'])],
    },
    'BatchNormalization before 9': {
      opset: 8,
      nodes: [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], { spatial: 0 }, ['y', 'n'])],
      outputs: ['n'],
    },
    'BatchNormalization before 14': {
      opset: 9,
      nodes: [
        node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], {}, ['y', 'n', 'w', 'saved', 'too']),
      ],
      outputs: ['y', 'saved'],
    },
    'Resize before 13': {
      opset: 11,
      nodes: [
        node('Resize', ['x', 'r', 's'], {
          mode: 'linear',
          coordinate_transformation_mode: 'tf_half_pixel_for_nn',
        }),
      ],
    },
    'Resize since 19': {
      opset: 19,
      nodes: [
        node('Resize', ['x', '', 's'], { coordinate_transformation_mode: 'half_pixel_symmetric' }),
      ],
      to,
    },
    'Pad since 19': { opset: 19, nodes: [node('Pad', ['x', 'p'], { mode: 'wrap' })], to },
    'AveragePool since 19': {
      opset: 19,
      nodes: [node('AveragePool', ['x'], { kernel_shape: [2], dilations: [2] })],
      to,
    },
    'QuantizeLinear since 21': {
      opset: 21,
      nodes: [node('QuantizeLinear', ['x', 's'], { block_size: 16 })],
      to,
    },
    'Attention since 25': {
      opset: 25,
      nodes: [node('Attention', ['x', 'x', 'x'], { left_window_size: 2 })],
    },
    'Attention since 24': {
      opset: 24,
      nodes: [node('Attention', ['x', 'x', 'x', '', '', '', 'n'])],
    },
    'Attention since 23': {
      opset: 23,
      nodes: [node('Attention', ['x', 'x', 'x', '', 'k', 'v'])],
    },
    'DFT since 20': { opset: 20, nodes: [node('DFT', ['x', '', 'axis'])], to },
    'Slice before 10': { opset: 9, nodes: [node('Slice', ['x'])] },
    'TopK before 10': { opset: 9, nodes: [node('TopK', ['x'])] },
    'Upsample before 9': { opset: 7, nodes: [node('Upsample', ['x'])] },
  };
  for (const [rule, test] of Object.entries(refused)) {
    it(`${rule} names the node and the reason`, () => {
      const error = thrown(test);
      const [first] = test.nodes as [Node];
      expect(error.node).toBe(first.name);
      expect(error.message).toContain(`the ${first.op} node "${first.name}" `);
      expect(error.code).toMatch(/^graph\/(no-equivalent|malformed)$/);
      expect(rules.map(ruleName)).toContain(rule);
    });
  }

  for (const rule of rules) {
    if (!('since' in rule) || rule.summary !== 'refused') continue;
    it(`${rule.op}, which is new in ${rule.since}`, () => {
      const error = thrown({
        opset: rule.since,
        nodes: [{ ...node(rule.op, ['x']), name: '' }],
        to: { opset: rule.since - 1 },
      });
      expect(error.code).toBe('graph/too-new');
      expect(error.node).toBe('y');
    });
  }
});

it('converts every opset from 7 to 26 to every one from 18 to 24', () => {
  for (let from = 7; from <= 26; from++) {
    for (let opset = 18; opset <= 24; opset++) {
      const { graph, opsets } = normalize(
        modelOf({ opset: from, feeds: { x }, nodes: [node('Relu', ['x'])] }),
        { opset },
      );
      expect(opsets.get('')).toBe(opset);
      expect(graph.nodes).toEqual([node('Relu', ['x'])]);
    }
  }
});

it('shares weights with the model without copies', () => {
  const big = sample(1000);
  const { graph } = normalize(
    modelOf({ opset: 13, feeds: { x }, initializers: { big }, nodes: [node('Relu', ['x'])] }),
  );
  expect(graph.initializers.get('big')).toBe(big);
});
