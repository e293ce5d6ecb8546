import { describe, expect, test } from 'vitest';
import { goldenModel, goldenOf } from '../../test/helpers/defense.ts';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { distance } from '../../test/helpers/train.ts';
import { normalize } from '../graph/index.ts';
import { float32, type Graph, sizeOf, type TensorOf } from '../onnx/index.ts';
import { perturbation, type Sharpness } from './sharpness.ts';
import { type Batch, trainingStep } from './step.ts';

const SAMPLE = [2, 6, 6];
const BATCH = 8;

/** As scripts/golden/defenses.py wrote it. */
const golden = goldenOf('ft-sam') as {
  readonly images: readonly number[];
  readonly labels: readonly number[];
  readonly runs: readonly {
    readonly mode: 'as written' | 'training';
    readonly sharpness: Sharpness;
    readonly smoothing: number;
    readonly momentum: number;
    readonly weightDecay: number;
    readonly rate: number;
    /** By parameter name, the units that are masked. */
    readonly held: Readonly<Record<string, readonly number[]>>;
    readonly losses: readonly number[];
    readonly last: Readonly<Record<string, readonly number[]>>;
  }[];
};

function batch(step: number): Batch {
  const size = sizeOf(SAMPLE);
  const rows = [step * BATCH, (step + 1) * BATCH] as const;
  return {
    x: Float32Array.from(golden.images.slice(rows[0] * size, rows[1] * size)),
    y: Int32Array.from(golden.labels.slice(...rows)),
    weights: new Float32Array(BATCH).fill(1),
  };
}

/** Weights, biases, scales and shifts: all initializers that are no running statistics. */
function parametersOf({ initializers }: Graph): string[] {
  return [...initializers.keys()].filter((name) => /\.(weight|bias)$/.test(name));
}

function masksOf({ initializers }: Graph, masked: Readonly<Record<string, readonly number[]>>) {
  return new Map(
    Object.entries(masked).map(([name, units]) => {
      const [count, ...others] = (initializers.get(name) as TensorOf<'float32'>).dims as [number];
      const ones = Array.from({ length: count }, (_, unit) => (units.includes(unit) ? 0 : 1));
      return [name, float32([count, ...others.map(() => 1)], ones)] as const;
    }),
  );
}

function withZeros(graph: Graph, masks: ReturnType<typeof masksOf>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, mask] of masks) {
    const tensor = initializers.get(name) as TensorOf<'float32'>;
    const each = tensor.data.length / mask.data.length;
    const data = tensor.data.map((value, at) => value * (mask.data[Math.floor(at / each)] ?? 1));
    initializers.set(name, { ...tensor, data });
  }
  return { ...graph, initializers };
}

function perturbed(
  settings: Sharpness,
  weights: readonly number[],
  gradients: readonly number[],
  zeros: readonly number[] = [],
) {
  // Two parameters, of which the first has one number: they have one length together.
  const parts = [
    [0, 1],
    [1, weights.length],
  ] as const;
  const parameters = parts.map(([from, to]) => ({
    values: Float32Array.from(weights.slice(from, to)),
    gradient: Float32Array.from(gradients.slice(from, to)),
    masked: zeros.filter((at) => at >= from && at < to).map((at) => at - from),
  }));
  const values = () => parameters.flatMap((each) => [...each.values]);
  return { ...perturbation(settings, parameters), values };
}

const plain = { rho: 0.5, adaptive: false };
const adaptive = { rho: 0.5, adaptive: true };

test('weights move along the gradient by a distance of rho', () => {
  const { apply, values } = perturbed(plain, [1, -2], [3, 4]);
  apply();
  expect(values()[0]).toBeCloseTo(1 + 0.5 * (3 / 5), 6);
  expect(values()[1]).toBeCloseTo(-2 + 0.5 * (4 / 5), 6);
});

test('adaptive: weights move along w² g, over the norm of w g', () => {
  const { apply, values } = perturbed(adaptive, [1, -2], [4, 1.5]);
  apply();
  // w g = [4, -3] has the length 5; w² g = [4, 6].
  expect(values()[0]).toBeCloseTo(1 + 0.5 * (4 / 5), 6);
  expect(values()[1]).toBeCloseTo(-2 + 0.5 * (6 / 5), 6);
});

test('the adaptive perturbation does not depend on the scale of a layer', () => {
  const one = perturbed(adaptive, [1, -2, 3], [4, 1.5, -1]);
  // The second parameter is 8 times as large, and its gradients so much smaller.
  const other = perturbed(adaptive, [1, -16, 24], [4, 1.5 / 8, -1 / 8]);
  one.apply();
  other.apply();
  const [a, b, c] = one.values() as [number, number, number];
  expect(other.values()).toEqual([a, 8 * b, 8 * c]);
});

test.each([plain, adaptive])('masked elements do not move: %j', (settings) => {
  const free = perturbed(settings, [1, -2], [4, 1.5]);
  const masked = perturbed(settings, [1, -2, 0], [4, 1.5, 100], [2]);
  free.apply();
  masked.apply();
  expect(masked.values()).toEqual([...free.values(), 0]);
});

test.each([plain, adaptive])('revert restores the exact weights: %j', (settings) => {
  const weights = [0.1, -1e20, 1e-30, 7].map(Math.fround);
  const { apply, revert, values } = perturbed(settings, weights, [0.3, 1e-7, 5, -0.7]);
  apply();
  expect(values()).not.toEqual(weights);
  revert();
  expect(values()).toEqual(weights);
});

test.each([plain, adaptive])('a zero gradient moves nothing: %j', (settings) => {
  const { apply, values } = perturbed(settings, [1, -1e20, 0], [0, 0, 0]);
  apply();
  expect(values()).toEqual([1, Math.fround(-1e20), 0]);
});

describe('three steps follow PyTorch', () => {
  test.each(golden.runs)('$mode, $sharpness, masked $held', async (run) => {
    const { graph } = normalize(goldenModel('batchnorm'));
    const masks = masksOf(graph, run.held);
    const parameters = parametersOf(graph);
    const { mode, smoothing, sharpness, momentum, weightDecay } = run;
    const step = await trainingStep(await testRuntime(), withZeros(graph, masks), {
      input: 'image',
      logits: 'logits',
      sample: SAMPLE,
      classes: 4,
      batchSize: BATCH,
      parameters,
      optimizer: { kind: 'sgd', momentum, weightDecay },
      masks,
      mode,
      smoothing,
      sharpness,
    });
    for (const [index, expected] of run.losses.entries()) {
      const { loss } = await step.run(batch(index), run.rate);
      expect(loss, `loss of step ${index}`).toBeCloseTo(expected, 5);
    }
    const last = step.parameters();
    expect(new Set(last.keys())).toEqual(new Set(Object.keys(run.last)));
    for (const [name, expected] of Object.entries(run.last)) {
      const { data } = last.get(name) as TensorOf<'float32'>;
      expect(distance(data, expected), name).toBeLessThan(1e-5);
    }
    for (const [name, units] of Object.entries(run.held)) {
      const { dims, data } = last.get(name) as TensorOf<'float32'>;
      const each = data.length / (dims[0] as number);
      for (const unit of units) {
        expect(data.subarray(unit * each, (unit + 1) * each).every((value) => value === 0)).toBe(
          true,
        );
      }
    }
    await step.dispose();
  });
});
