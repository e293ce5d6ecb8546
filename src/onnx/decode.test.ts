import { toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, ModelProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { decodeModel } from './decode.ts';
import { encodeModel } from './encode.ts';
import type { Model } from './model.ts';
import { isGraph } from './node.ts';
import { fileWith, floats, golden, node, protoOf } from '../../test/helpers/onnx.ts';

describe('a file that PyTorch exported', () => {
  const model = decodeModel(golden('cnn'));

  test('has its nodes, inputs and outputs', () => {
    expect(model.graph.nodes.map(({ op }) => op)).toEqual([
      'Conv',
      'BatchNormalization',
      'Relu',
      'MaxPool',
      'Flatten',
      'Gemm',
    ]);
    expect(model.graph.inputs).toEqual([
      { name: 'image', type: 'float32', dims: ['batch', 1, 8, 8] },
    ]);
    expect(model.graph.outputs).toEqual([{ name: 'logits', type: 'float32', dims: ['batch', 4] }]);
    expect(model.opsets).toEqual(new Map([['', 13]]));
    expect(model.producer).toBe('pytorch');
  });

  test('has its attributes: integers as numbers, floats wrapped', () => {
    const [conv, norm] = model.graph.nodes;
    expect(conv?.attributes['kernel_shape']).toEqual([3, 3]);
    expect(conv?.attributes['group']).toBe(1);
    expect(norm?.attributes['epsilon']).toEqual({ float: Math.fround(1e-5) });
  });

  test('shares no memory with the tensors', () => {
    const bytes = golden('cnn');
    const before = bytes.slice();
    const { graph } = decodeModel(bytes);
    for (const tensor of graph.initializers.values())
      if (tensor.type === 'float32') tensor.data.fill(7);
    expect(bytes).toEqual(before);
    expect(decodeModel(bytes)).toEqual(model);
  });

  test('has the same bytes after a pass through the protobuf library', () => {
    for (const name of ['cnn', 'typed', 'loop'] as const) {
      expect(toBinary(ModelProtoSchema, protoOf(golden(name)))).toEqual(golden(name));
    }
  });
});

test('typed data and raw data give the same weights', () => {
  const raw = decodeModel(golden('cnn')).graph.initializers;
  const typed = decodeModel(golden('typed')).graph.initializers;
  expect(typed).toEqual(raw);
});

test('subgraphs are read, with their implicit inputs', () => {
  const { graph } = decodeModel(golden('loop'));
  const body = graph.nodes.find(({ op }) => op === 'Loop')?.attributes['body'];
  if (body === undefined || !isGraph(body)) throw new Error('the Loop has no body');
  expect(body.nodes.map(({ op }) => op)).toContain('If');
});

describe('a model that is written and read again', () => {
  test.each(['cnn', 'typed', 'loop'] as const)('is the same: %s', (name) => {
    const model = decodeModel(golden(name));
    expect(decodeModel(encodeModel(model))).toEqual(model);
  });

  test('keeps the kind of every attribute', () => {
    const attributes = {
      int: 3,
      negative: -1,
      toTheEnd: 2 ** 63,
      ints: [1, -2],
      empty: [],
      float: { float: 1 },
      floats: { floats: [0.5, 2] },
      noFloats: { floats: [] },
      text: 'päd',
      texts: ['a', 'b'],
      tensor: { type: 'int64', dims: [2], data: BigInt64Array.of(1n, -(2n ** 63n)) },
      graph: {
        name: 'body',
        inputs: [],
        outputs: [{ name: 'z' }],
        nodes: [{ op: 'Neg', domain: '', name: '', inputs: ['x'], outputs: ['z'], attributes: {} }],
        initializers: new Map(),
      },
    } as const;
    const model: Model = {
      irVersion: 8,
      opsets: new Map([['', 13]]),
      producer: 'test',
      metadata: new Map([['k', 'v']]),
      graph: {
        name: 'test',
        inputs: [{ name: 'x', type: 'float32' }],
        outputs: [{ name: 'y', type: 'float16', dims: [1, 'n', null] }],
        nodes: [{ op: 'Any', domain: '', name: 'a', inputs: ['x'], outputs: ['y'], attributes }],
        initializers: new Map(),
      },
    };
    expect(decodeModel(encodeModel(model))).toEqual(model);
  });

  test('gets an IR version in which initializers are not inputs, and that the runtime loads', () => {
    const model = decodeModel(golden('cnn'));
    expect(protoOf(encodeModel({ ...model, irVersion: 3 })).irVersion).toBe(4n);
    expect(protoOf(encodeModel({ ...model, irVersion: 14 })).irVersion).toBe(13n);
  });

  test('a plain float attribute is refused: it would become an integer', () => {
    const model = decodeModel(golden('cnn'));
    const nodes = model.graph.nodes.map((node) => ({ ...node, attributes: { alpha: 0.5 } }));
    expect(() => encodeModel({ ...model, graph: { ...model.graph, nodes } })).toThrow(/float\(\)/);
  });
});

test('initializers that old files list as inputs are not inputs', () => {
  const bytes = fileWith(
    {
      input: [floats('x'), floats('w')],
      initializer: [{ name: 'w', dataType: 1, dims: [1n], floatData: [2] }],
      node: [node('Mul', ['x', 'w'], ['y'])],
    },
    { irVersion: 3n },
  );
  expect(decodeModel(bytes).graph.inputs.map(({ name }) => name)).toEqual(['x']);
});

test('"ai.onnx" is the standard domain', () => {
  const bytes = fileWith(
    { node: [{ ...node('Relu', ['x'], ['y']), domain: 'ai.onnx' }] },
    { opsetImport: [{ domain: 'ai.onnx', version: 13n }] },
  );
  const model = decodeModel(bytes);
  expect(model.opsets).toEqual(new Map([['', 13]]));
  expect(model.graph.nodes[0]?.domain).toBe('');
});

test('nodes in the wrong order are sorted, and the others stay', () => {
  const bytes = fileWith({
    node: [
      node('Neg', ['x'], ['a']),
      node('Add', ['a', 'c'], ['y']),
      node('Abs', ['x'], ['b']),
      node('Exp', ['b'], ['c']),
      node('Log', ['x'], ['d']),
    ],
  });
  expect(decodeModel(bytes).graph.nodes.map(({ op }) => op)).toEqual([
    'Neg',
    'Abs',
    'Exp',
    'Add',
    'Log',
  ]);
});

test('a node is sorted after the implicit inputs of its subgraph', () => {
  const branch = { name: 'b', node: [node('Neg', ['late'], ['z'])], output: [{ name: 'z' }] };
  const bytes = fileWith({
    node: [
      {
        ...node('If', ['x'], ['y']),
        attribute: [
          { name: 'then_branch', type: AttributeProto_AttributeType.GRAPH, g: branch },
          { name: 'else_branch', type: AttributeProto_AttributeType.GRAPH, g: branch },
        ],
      },
      node('Abs', ['x'], ['late']),
    ],
  });
  expect(decodeModel(bytes).graph.nodes.map(({ op }) => op)).toEqual(['Abs', 'If']);
});

test('a chain of a hundred thousand nodes in reverse order is sorted', () => {
  const count = 100_000;
  const nodes = Array.from({ length: count }, (_, i) =>
    node('Neg', [i === 0 ? 'x' : `v${i - 1}`], [i === count - 1 ? 'y' : `v${i}`]),
  ).reverse();
  const model = decodeModel(fileWith({ node: nodes }));
  expect(model.graph.nodes[0]?.inputs).toEqual(['x']);
  expect(model.graph.nodes.at(-1)?.outputs).toEqual(['y']);
});
