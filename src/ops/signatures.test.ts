import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { Builder, modelOf, OPSET } from '../graph/index.ts';
import { type Signature, signatures } from './signatures.ts';

/** Operators that ONNX Runtime no longer has in the canonical opset. */
const GONE = new Set(['Scatter', 'Upsample']);
/** Operators whose node below is refused for its types before its attributes are looked at. */
const TYPED = new Set([
  'Constant',
  'DynamicQuantizeLinear',
  'LayerNormalization',
  'StringSplit',
  'TopK',
]);
const asked = Object.entries<Signature>(signatures).filter(
  ([op]) => !GONE.has(op) && !TYPED.has(op),
);

/** Whether ONNX Runtime knows an attribute: it looks once a node has as many inputs as it should. */
async function knows(op: string, opset: number, attribute: string): Promise<boolean> {
  const runtime = await testRuntime();
  for (let inputs = 0; inputs <= 8; inputs += 1) {
    const b = new Builder();
    const x = b.input('x', 'float32', [2, 3]);
    const y = b.op(
      op,
      Array.from({ length: inputs }, () => x),
      { [attribute]: 1 },
    );
    const model = { ...modelOf(b.build([{ name: y }])), opsets: new Map([['', opset]]) };
    try {
      await (await runtime.open(model)).dispose();
    } catch (error) {
      if ((error as Error).message.includes(`Unrecognized attribute: ${attribute} `)) return false;
    }
  }
  return true;
}

test.each(asked)('ONNX Runtime knows the attributes of %s, and no other', async (op, signature) => {
  const opset = Math.max(OPSET, signature.since);
  for (const attribute of signature.attributes) {
    expect([attribute, await knows(op, opset, attribute)]).toEqual([attribute, true]);
  }
  expect(await knows(op, opset, 'nonsense')).toBe(false);
});
