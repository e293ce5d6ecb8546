import * as fc from 'fast-check';
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation,
  TensorProto_DataType as Proto,
} from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { decodeModel } from './decode.ts';
import { OnnxError } from './error.ts';
import { patchModel } from './patch.ts';
import { failureOf, fileWith, floats, golden, node } from '../../test/helpers/onnx.ts';
import { concatBytes, tag, varint, WIRE } from './wire.ts';

const relu = node('Relu', ['x'], ['y']);
const weight = { name: 'w', dataType: Proto.FLOAT, dims: [2n], floatData: [1, 2] };

/** A file whose only fault is in the tensor `w`. */
function withTensor(tensor: object): Uint8Array {
  return fileWith({ node: [relu], initializer: [{ ...weight, ...tensor }] });
}

function external(...pairs: [string, string][]): object {
  const externalData = pairs.map(([key, value]) => ({ key, value }));
  return { floatData: [], dataLocation: TensorProto_DataLocation.EXTERNAL, externalData };
}

function attributed(attribute: object): Uint8Array {
  return fileWith({ node: [{ ...relu, attribute: [{ name: 'a', ...attribute }] }] });
}

/** A file with a graph of these bytes, whose length may be said otherwise. */
function graphOf(content: Uint8Array, length = content.length): Uint8Array {
  const start = [tag(1, WIRE.varint), varint(8), tag(7, WIRE.bytes)];
  return concatBytes([...start, varint(length), content]);
}

const VALID = fileWith({ node: [relu], initializer: [weight] });

const hostile: readonly [what: string, bytes: Uint8Array, code: string, says: string][] = [
  ['an empty file', new Uint8Array(), 'onnx/truncated', 'empty'],
  ['a file cut off', golden('cnn').subarray(0, 900), 'onnx/truncated', '900 bytes'],
  ['a text', Buffer.from('hello world'), 'onnx/not-protobuf', 'not an ONNX file'],
  ['zeros', new Uint8Array(64), 'onnx/not-protobuf', 'field number 0'],
  ['a PNG', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'onnx/not-protobuf', ''],
  [
    'a Git LFS pointer',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
    'onnx/not-protobuf',
    'git lfs pull',
  ],
  [
    'a number without end',
    graphOf(new Uint8Array(20).fill(0xff)),
    'onnx/not-protobuf',
    'more than 10 bytes',
  ],
  [
    'a message longer than its message',
    // A graph of 2 bytes, whose node says that it has 5, with a metadata entry behind it.
    graphOf(Uint8Array.of(0x0a, 5, 0x72, 4, 0x0a, 0, 0x12, 0), 2),
    'onnx/not-protobuf',
    'longer than its message',
  ],
  [
    'a second graph',
    concatBytes([VALID, tag(7, WIRE.bytes), varint(0)]),
    'onnx/not-protobuf',
    'ModelProto.graph',
  ],
  [
    'a field of the wrong wire type',
    concatBytes([tag(7, WIRE.varint), varint(3)]),
    'onnx/not-protobuf',
    'wrong wire type',
  ],
  ['no graph', fileWith({}, { graph: undefined as never }), 'onnx/no-graph', 'no graph'],
  ['no opset', fileWith({ node: [relu] }, { opsetImport: [] }), 'onnx/no-opset', 'opset_import'],
  [
    'no opset for a domain',
    fileWith({ node: [{ ...relu, opType: 'Gelu', domain: 'com.microsoft' }] }),
    'onnx/no-opset',
    '"com.microsoft"',
  ],
  [
    'an opset too new',
    fileWith({ node: [relu] }, { opsetImport: [{ domain: '', version: 27n }] }),
    'onnx/opset-too-new',
    'opset_version=26',
  ],
  [
    'an opset too old',
    fileWith({ node: [relu] }, { opsetImport: [{ domain: '', version: 6n }] }),
    'onnx/opset-too-old',
    'opset 6',
  ],
  [
    'an unknown operator domain',
    fileWith(
      { node: [{ ...relu, name: 'bad', domain: 'evil.ops' }] },
      { opsetImport: [13n, 1n].map((version, i) => ({ domain: i ? 'evil.ops' : '', version })) },
    ),
    'onnx/unknown-domain',
    'node "bad" is of the operator domain "evil.ops"',
  ],
  [
    'an unknown domain in a subgraph',
    fileWith({
      node: [
        {
          ...node('If', ['x'], ['y']),
          attribute: [
            {
              name: 'then_branch',
              type: AttributeType.GRAPH,
              g: { node: [{ ...relu, domain: 'evil.ops' }] },
            },
          ],
        },
      ],
    }),
    'onnx/unknown-domain',
    '"evil.ops"',
  ],
  [
    'an input that nothing makes',
    fileWith({ node: [node('Add', ['x', 'ghost'], ['y'])] }),
    'onnx/dangling-name',
    'the Add node that produces "y" takes "ghost"',
  ],
  ['an output that nothing makes', fileWith({ node: [] }), 'onnx/dangling-name', '"y"'],
  [
    'an input of a subgraph that nothing makes',
    fileWith({
      node: [
        {
          ...node('If', ['x'], ['y']),
          attribute: [
            {
              name: 'then_branch',
              type: AttributeType.GRAPH,
              g: { node: [node('Neg', ['ghost'], ['z'])] },
            },
          ],
        },
      ],
    }),
    'onnx/dangling-name',
    '"ghost"',
  ],
  [
    'a value made twice',
    fileWith({ node: [relu, node('Neg', ['x'], ['y'])] }),
    'onnx/duplicate-name',
    'the Neg node that produces "y"',
  ],
  [
    'an initializer there twice',
    fileWith({ node: [relu], initializer: [weight, weight] }),
    'onnx/duplicate-name',
    'two initializers are named "w"',
  ],
  [
    'a node that overwrites an initializer',
    fileWith({ node: [relu, node('Neg', ['x'], ['w'])], initializer: [weight] }),
    'onnx/duplicate-name',
    '"w"',
  ],
  [
    'an input there twice',
    fileWith({ node: [relu], input: [floats('x'), floats('x')] }),
    'onnx/duplicate-name',
    '"x"',
  ],
  [
    'a cycle',
    fileWith({ node: [node('Add', ['x', 'b'], ['a']), node('Neg', ['a'], ['b']), relu] }),
    'onnx/cycle',
    'the Add node that produces "a" needs its own output, by way of the Neg node that produces "b"',
  ],
  [
    'a node that takes its own output in a subgraph',
    fileWith({
      node: [
        {
          ...node('If', ['x'], ['y']),
          attribute: [
            {
              name: 'then_branch',
              type: AttributeType.GRAPH,
              g: { node: [node('Neg', ['y'], ['z'])] },
            },
          ],
        },
      ],
    }),
    'onnx/cycle',
    'the If node that produces "y"',
  ],
  ['data too short', withTensor({ dims: [3n] }), 'onnx/tensor-size', '"w" of 3 needs 3 elements'],
  [
    'raw data too long',
    withTensor({ floatData: [], rawData: new Uint8Array(9) }),
    'onnx/tensor-size',
    'needs 8 bytes of data but has 9',
  ],
  ['no data', withTensor({ floatData: [] }), 'onnx/tensor-size', '"w"'],
  ['a negative dimension', withTensor({ dims: [-1n, -2n] }), 'onnx/tensor-size', '-1 x -2'],
  [
    'dims whose product overflows to what is there',
    withTensor({ dims: [2n ** 62n, 4n, 2n], floatData: [] }),
    'onnx/tensor-size',
    'more than memory can hold',
  ],
  [
    'dims of a terabyte',
    withTensor({ dims: [2n ** 38n], floatData: [] }),
    'onnx/tensor-size',
    '1099511627776 bytes',
  ],
  [
    'both raw and typed data',
    withTensor({ rawData: new Uint8Array(8) }),
    'onnx/tensor-both-data',
    'rawData and floatData',
  ],
  [
    'both inner and external data',
    withTensor({ ...external(['location', 'w.bin']), floatData: [1, 2] }),
    'onnx/tensor-both-data',
    'floatData and externalData',
  ],
  [
    'data in the field of another type',
    withTensor({ floatData: [], int64Data: [1n, 2n] }),
    'onnx/tensor-type',
    'int64Data',
  ],
  ['a complex tensor', withTensor({ dataType: Proto.COMPLEX64 }), 'onnx/tensor-type', 'COMPLEX64'],
  ['a tensor without a type', withTensor({ dataType: 0 }), 'onnx/tensor-type', 'UNDEFINED'],
  [
    'a NaN',
    withTensor({ floatData: [1, Number.NaN] }),
    'onnx/tensor-nan',
    'the tensor "w" has a NaN at element 1',
  ],
  [
    'a NaN in half precision',
    withTensor({ dataType: Proto.FLOAT16, floatData: [], int32Data: [0x3c00, 0xfe00] }),
    'onnx/tensor-nan',
    'element 1',
  ],
  [
    'a NaN in a Constant',
    fileWith({
      node: [
        {
          ...node('Constant', [], ['y']),
          attribute: [
            {
              name: 'value',
              type: AttributeType.TENSOR,
              t: { dataType: 11, dims: [1n], doubleData: [Number.NaN] },
            },
          ],
        },
      ],
    }),
    'onnx/tensor-nan',
    'the attribute "value" of the Constant node that produces "y"',
  ],
  [
    'external data without a place to look',
    withTensor(external(['location', 'w.bin'])),
    'onnx/external-missing',
    '"w.bin"',
  ],
  ['external data without a file', withTensor(external()), 'onnx/external-missing', '"w"'],
  [
    'external data at no number',
    withTensor(external(['location', 'w.bin'], ['offset', '-1'])),
    'onnx/external-range',
    '"-1"',
  ],
  [
    'external data of another length',
    withTensor(external(['location', 'w.bin'], ['length', '99999999999'])),
    'onnx/external-range',
    'needs 8 bytes but names 99999999999',
  ],
  [
    'a sparse tensor',
    fileWith({ node: [relu], sparseInitializer: [{ values: weight }] }),
    'onnx/unsupported',
    '"w" is sparse',
  ],
  [
    'training information',
    fileWith({ node: [relu] }, { trainingInfo: [{}] }),
    'onnx/unsupported',
    'training',
  ],
  [
    'a function of its own',
    fileWith({ node: [relu] }, { functions: [{ name: 'Mine' }] }),
    'onnx/unsupported',
    '"Mine"',
  ],
  [
    'a sequence as input',
    fileWith({
      input: [{ name: 'x', type: { value: { case: 'sequenceType', value: {} } } }],
      node: [relu],
    }),
    'onnx/unsupported',
    'a sequence',
  ],
  [
    'an input without a type',
    fileWith({ input: [{ name: 'x' }], node: [relu] }),
    'onnx/tensor-type',
    '"x"',
  ],
  ['an attribute without a type', attributed({ i: 1n }), 'onnx/attribute', 'UNDEFINED'],
  [
    'a list of graphs',
    attributed({ type: AttributeType.GRAPHS, graphs: [{}] }),
    'onnx/attribute',
    'GRAPHS',
  ],
  [
    'an attribute without its tensor',
    attributed({ type: AttributeType.TENSOR }),
    'onnx/attribute',
    'no value',
  ],
  [
    'an inexact integer',
    attributed({ type: AttributeType.INT, i: 2n ** 53n + 1n }),
    'onnx/attribute',
    '"a"',
  ],
  [
    'bytes that are no text',
    attributed({ type: AttributeType.STRING, s: Uint8Array.of(0xff, 0xfe) }),
    'onnx/unsupported',
    'UTF-8',
  ],
];

describe('a malformed file is refused, with the name of what is wrong:', () => {
  test('the original file is accepted', () => {
    expect(() => decodeModel(VALID)).not.toThrow();
  });

  test.each(hostile)('%s', (_, bytes, code, says) => {
    const failure = failureOf(() => decodeModel(bytes));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(says);
  });
});

test('infinities and huge biases are accepted', () => {
  const bytes = withTensor({ floatData: [-1e20, Number.NEGATIVE_INFINITY] });
  expect(decodeModel(bytes).graph.initializers.get('w')?.data).toEqual(
    Float32Array.of(-1e20, Number.NEGATIVE_INFINITY),
  );
});

test('the message names the file', () => {
  const failure = failureOf(() => decodeModel(new Uint8Array(), { name: 'a.onnx' }));
  expect(failure.message).toMatch(/^a\.onnx: /);
});

test('terminal commands in a name do not reach the terminal', () => {
  const evil = `\u001b[2J\u009b2J\u202e${'x'.repeat(1000)}`;
  const { message } = failureOf(() => decodeModel(fileWith({ node: [node(evil, [evil], ['y'])] })));
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(message.length).toBeLessThan(500);
});

describe('a small file that would exhaust the memory is refused at once:', () => {
  test('many empty nodes', () => {
    const nodes = Buffer.alloc(2 * 3_000_000, Uint8Array.of(0x0a, 0));
    expect(failureOf(() => decodeModel(graphOf(nodes))).code).toBe('onnx/too-large');
  });

  test('integers of one byte each', () => {
    const head = Uint8Array.of(0x3a);
    const tensor = concatBytes([head, varint(40_000_000), new Uint8Array(40_000_000)]);
    const graph = concatBytes([tag(5, WIRE.bytes), varint(tensor.length), tensor]);
    expect(failureOf(() => decodeModel(graphOf(graph))).code).toBe('onnx/too-large');
  });
});

test('deeply nested graphs are refused', () => {
  let graph: object = { node: [relu] };
  for (let i = 0; i < 30; i++) {
    graph = {
      node: [
        {
          ...node('If', ['x'], ['y']),
          attribute: [{ name: 'then', type: AttributeType.GRAPH, g: graph }],
        },
      ],
    };
  }
  expect(failureOf(() => decodeModel(fileWith(graph))).code).toBe('onnx/unsupported');
});

/** Runs a reader on a damaged file: all that may come out is a result or a typed error. */
function survives(bytes: Uint8Array): boolean {
  for (const read of [decodeModel, (b: Uint8Array) => patchModel(b, new Map(), { k: 'v' })]) {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof OnnxError)) throw error;
    }
  }
  return true;
}

describe('a file with damage anywhere', () => {
  const files = fc.constantFrom(golden('cnn'), golden('typed'), golden('loop'));

  test('is read or fails with a typed error, when truncated', () => {
    for (const name of ['cnn', 'typed', 'loop'] as const) {
      const bytes = golden(name);
      for (let length = 0; length < bytes.length; length++) survives(bytes.subarray(0, length));
    }
  });

  test('is read or fails with a typed error, when bytes change', () => {
    fc.assert(
      fc.property(
        files,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (file, flips) => {
          const bytes = file.slice();
          for (const [at, value] of flips) bytes[at % bytes.length] = value;
          return survives(bytes);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('is read or fails with a typed error, when it is random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(bytes)),
      { numRuns: 1000 },
    );
  });
});
