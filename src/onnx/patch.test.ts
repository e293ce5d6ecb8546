import { create, toBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { GraphProtoSchema, ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { decodeModel } from './decode.ts';
import { isTensor } from './node.ts';
import { patchModel } from './patch.ts';
import { failureOf, fileWith, golden, node, protoOf } from '../../test/helpers/onnx.ts';
import { type Tensor, float32 } from './tensor.ts';
import { concatBytes, fieldsOf, tag, varint, WIRE } from './wire.ts';

/** All that a patch may change: the initializers, and the tensors of Constant nodes by output. */
function tensorsOf(bytes: Uint8Array): Map<string, Tensor> {
  const { graph } = decodeModel(bytes);
  const tensors = new Map(graph.initializers);
  for (const { op, outputs, attributes } of graph.nodes) {
    const { value } = attributes;
    if (op === 'Constant' && value !== undefined && isTensor(value))
      tensors.set(outputs[0]!, value);
  }
  return tensors;
}

function positionsOfChange(before: Uint8Array, after: Uint8Array): number[] {
  return [...after.keys()].filter((i) => before[i] !== after[i]);
}

describe.each(['cnn', 'typed', 'loop'] as const)('patching %s.onnx', (name) => {
  test('with nothing changes nothing', () => {
    expect(patchModel(golden(name), new Map(), {})).toEqual(golden(name));
  });

  test('with its own values changes nothing', () => {
    expect(patchModel(golden(name), tensorsOf(golden(name)), {})).toEqual(golden(name));
  });

  test('with metadata only adds to its end', () => {
    const patched = patchModel(golden(name), tensorsOf(golden(name)), { seed: '1', tool: 'x' });
    const size = golden(name).length;
    expect(patched.subarray(0, size)).toEqual(golden(name));
    expect(decodeModel(patched).metadata).toEqual(
      new Map(Object.entries({ seed: '1', tool: 'x' })),
    );
  });
});

test.each(['cnn', 'typed'] as const)('one weight of %s.onnx changes four bytes', (name) => {
  const before = golden(name);
  const weights = tensorsOf(before);
  const bias = weights.get('0.bias');
  if (bias?.type !== 'float32') throw new Error('no bias');
  bias.data[1] = -1e20;
  const after = patchModel(before, new Map([['0.bias', bias]]), {});
  expect(after.length).toBe(before.length);
  const changed = positionsOfChange(before, after);
  expect(changed.length).toBeGreaterThan(0);
  expect(changed.at(-1)! - changed[0]!).toBeLessThan(4);
  expect(decodeModel(after).graph.initializers).toEqual(
    new Map(decodeModel(before).graph.initializers).set('0.bias', bias),
  );
});

test('a Constant is changed by the name of its output', () => {
  const gain = float32([4], [4, 3, 2, 1]);
  const after = patchModel(golden('typed'), new Map([['gain', gain]]), {});
  expect(after.length).toBe(golden('typed').length);
  expect(tensorsOf(after).get('gain')).toEqual(gain);
});

test('an existing metadata entry is replaced', () => {
  const first = patchModel(golden('cnn'), new Map(), { a: '1', b: '2' });
  const second = patchModel(first, new Map(), { a: '3' });
  expect(decodeModel(second).metadata).toEqual(new Map(Object.entries({ b: '2', a: '3' })));
  expect(second.length).toBe(first.length);
});

describe('values that cannot be overwritten in place become raw data:', () => {
  const relu = node('Relu', ['x'], ['y']);

  test('half precision in typed data', () => {
    const before = fileWith({
      node: [relu],
      initializer: [
        { name: 'h', dataType: 10, dims: [2n], int32Data: [1, 0x3c00], docString: 'kept' },
        { name: 'next', dataType: 1, dims: [1n], floatData: [5] },
      ],
    });
    const h = { type: 'float16', dims: [2], data: Uint16Array.of(0xbc00, 7) } as const;
    const after = patchModel(before, new Map([['h', h]]), { k: 'v' });
    const expected = protoOf(before);
    expect(decodeModel(after).graph.initializers.get('h')).toEqual(h);
    expect(decodeModel(after).graph.initializers.get('next')).toEqual(float32([1], [5]));
    expect(protoOf(after).graph?.initializer[0]?.docString).toBe('kept');
    expect(protoOf(after).graph?.node).toEqual(expected.graph?.node);
  });

  test('external data', () => {
    const before = fileWith({
      node: [relu],
      initializer: [
        {
          name: 'w',
          dataType: 1,
          dims: [2n],
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          externalData: [{ key: 'location', value: 'w.bin' }],
        },
      ],
    });
    const w = float32([2], [1, 2]);
    const after = patchModel(before, new Map([['w', w]]), {});
    expect(decodeModel(after).graph.initializers.get('w')).toEqual(w);
  });

  test('unpacked floats, with length prefixes of more bytes than needed', () => {
    const head = Uint8Array.of(0x08, 2, 0x10, 1, 0x42, 1, 'w'.charCodeAt(0));
    const tensor = concatBytes([head, ...[1, 2].flatMap(unpacked)]);
    const padded = Uint8Array.of(tensor.length | 0x80, 0x80, 0);
    const initializer = concatBytes([tag(5, WIRE.bytes), padded, tensor]);
    const before = withField(fileWith({ node: [relu] }), initializer);
    expect(decodeModel(before).graph.initializers.get('w')).toEqual(float32([2], [1, 2]));
    expect(patchModel(before, new Map(), {})).toEqual(before);
    const after = patchModel(before, new Map([['w', float32([2], [3, 4])]]), {});
    expect(decodeModel(after).graph.initializers.get('w')).toEqual(float32([2], [3, 4]));
    expect(decodeModel(after).graph.nodes).toEqual(decodeModel(before).graph.nodes);
  });
});

/** One element of float_data by itself, as encoders without packing write it. */
function unpacked(value: number): Uint8Array[] {
  return [tag(4, WIRE.fixed32), new Uint8Array(Float32Array.of(value).buffer)];
}

/** The same model with one more field in its graph, written by hand. */
function withField(file: Uint8Array, field: Uint8Array): Uint8Array {
  const { graph, ...rest } = protoOf(file);
  if (!graph) throw new Error('no graph');
  const head = toBinary(ModelProtoSchema, create(ModelProtoSchema, rest));
  const content = concatBytes([toBinary(GraphProtoSchema, graph), field]);
  return concatBytes([head, tag(7, WIRE.bytes), varint(content.length), content]);
}

test('any new values of any weights are read back, and nothing else changes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('cnn' as const, 'typed' as const),
      fc.infiniteStream(fc.float({ noNaN: true })),
      fc.func(fc.boolean()),
      (name, values, chosen) => {
        const before = tensorsOf(golden(name));
        const changes = new Map<string, Tensor>();
        for (const [key, tensor] of before) {
          if (tensor.type !== 'float32' || !chosen(key)) continue;
          const data = tensor.data.map(() => values.next().value as number);
          changes.set(key, { ...tensor, data });
        }
        const after = patchModel(golden(name), changes, {});
        expect(tensorsOf(after)).toEqual(new Map([...before, ...changes]));
        expect(after.length).toBe(golden(name).length);
      },
    ),
    { numRuns: 50 },
  );
});

describe('a change that does not fit is refused:', () => {
  test.each([
    ['an unknown name', 'ghost', float32([1], [0]), 'onnx/dangling-name', '"ghost"'],
    ['other dims', '0.bias', float32([1, 3], [0, 0, 0]), 'onnx/tensor-size', '1 x 3'],
    ['too little data', '0.bias', float32([3], [0]), 'onnx/tensor-size', '1 elements'],
    [
      'another type',
      '0.bias',
      { type: 'float64', dims: [3], data: new Float64Array(3) } satisfies Tensor,
      'onnx/tensor-type',
      'FLOAT',
    ],
  ])('%s', (_, name, tensor, code, says) => {
    const failure = failureOf(() => patchModel(golden('cnn'), new Map([[name, tensor]]), {}));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(says);
  });
});

const doubled = (value: string, renamed: string) => ({
  renamed,
  nodes: [
    {
      op: 'Add',
      domain: '',
      name: 'twice',
      inputs: [renamed, renamed],
      outputs: [value],
      attributes: {},
    },
  ],
});

describe('inserted nodes', () => {
  test.each(['cnn', 'typed', 'loop'] as const)(
    'follow the node that produced the value in %s.onnx',
    (name) => {
      const before = decodeModel(golden(name));
      for (const [index, { outputs }] of before.graph.nodes.entries()) {
        const value = outputs[0] as string;
        const insertions = new Map([[value, doubled(value, 'a rather long name, or none')]]);
        const patched = patchModel(golden(name), new Map(), {}, insertions);
        const { graph, ...rest } = decodeModel(patched);
        const at = graph.nodes.findIndex((each) => each.name === 'twice');
        expect(graph.nodes[at]).toEqual(insertions.get(value)?.nodes[0]);
        expect(graph.nodes[at - 1]?.outputs[0]).toBe('a rather long name, or none');
        expect({ ...rest, graph: undefined }).toEqual({ ...before, graph: undefined });
        expect(graph.nodes).toHaveLength(before.graph.nodes.length + 1);
        // Without it, and with the name put back, every record of the file is the same.
        const old = recordsOf(golden(name));
        const now = recordsOf(patched);
        expect(now).toHaveLength(old.length + 1);
        expect(now.filter((record) => !old.includes(record))).toHaveLength(2);
        expect(index).toBeLessThan(before.graph.nodes.length);
      }
    },
  );

  test('after a value that no node produces are refused', () => {
    const insertions = new Map([['nothing', doubled('nothing', 'x')]]);
    expect(failureOf(() => patchModel(golden('cnn'), new Map(), {}, insertions))).toMatchObject({
      code: 'onnx/dangling-name',
    });
  });
});

/** The bytes of each record of a file's graph, and of the file around it. */
function recordsOf(bytes: Uint8Array): string[] {
  const hex = ({ start, to }: { start: number; to: number }) =>
    Buffer.from(bytes.subarray(start, to)).toString('hex');
  return [...fieldsOf(bytes, { from: 0, to: bytes.length })].flatMap((field) =>
    field.number === ModelProtoSchema.field.graph.number
      ? [...fieldsOf(bytes, field)].map(hex)
      : [hex(field)],
  );
}
