import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { float32, sizeOf, type Graph } from '../onnx/index.ts';
import { nodeRuntime } from '../runtime/index.ts';
import { Builder } from '../graph/index.ts';
import { trainingStep } from './step.ts';

const BATCH = 2;
const WIDTHS = [5, 7, 11, 3];

/** Layers whose weights all have sizes of their own, so that their gradients can be told apart. */
function layers(): Graph {
  const b = new Builder();
  let x = b.input('x', 'float32', [BATCH, WIDTHS[0] as number]);
  for (const [at, from] of WIDTHS.slice(0, -1).entries()) {
    const to = WIDTHS[at + 1] as number;
    const weight = b.initializer(`w${at}`, float32([from, to], Array(from * to).fill(0.1)));
    x = b.op('MatMul', [at === 0 ? x : b.op('Relu', [x]), weight], {}, `layer${at}`);
  }
  return b.build([{ name: x }]);
}

interface Event {
  readonly name: string;
  readonly ts: number;
  readonly args: {
    readonly output_type_shape?: readonly Record<string, readonly number[]>[] | undefined;
  };
}

test('gradients of the last layers come first, so that memory is freed early', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fineprune-order-'));
  try {
    const step = await trainingStep(
      await nodeRuntime({ backend: 'native', threads: 1 }),
      layers(),
      {
        input: 'x',
        logits: `layer${WIDTHS.length - 2}`,
        sample: WIDTHS.slice(0, 1),
        classes: WIDTHS.at(-1) as number,
        batchSize: BATCH,
        parameters: ['w0', 'w1', 'w2'],
        optimizer: { kind: 'sgd' },
        session: { profile: join(folder, 'run') },
      },
    );
    const x = new Float32Array(BATCH * (WIDTHS[0] as number)).fill(1);
    await step.run({ x, y: Int32Array.of(0, 1), weights: Float32Array.of(1, 1) }, 0.1);
    await step.dispose();
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file as string), 'utf8')) as Event[];
    const made = events
      .filter(({ name }) => name.endsWith('_kernel_time'))
      .sort((a, b) => a.ts - b.ts)
      .flatMap(({ args }) => args.output_type_shape?.flatMap(Object.values) ?? [])
      .map((dims) => sizeOf(dims as number[]));
    const places = [11 * 3, 7 * 11, 5 * 7].map((size) => made.indexOf(size));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
