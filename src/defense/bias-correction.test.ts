import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/gradcheck.ts';
import { random } from '../data/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import { outputsOf, withParameters } from '../train/index.ts';
import { biasCorrected } from './bias-correction.ts';
import { classifierOf, type Classifier } from './classifier.ts';
import { images, specimen } from './fixture.ts';
import { soup } from './merge.ts';

type Floats = TensorOf<'float32'>;
const runtime = await testRuntime();
const clean = images(50);
const tensor = ({ initializers }: Graph, name: string) => initializers.get(name) as Floats;

/** As if trained on: every weight a little off. */
function moved({ graph, parameters }: Classifier, seed: number): Graph {
  const draw = random(seed, 'moved');
  return withParameters(
    graph,
    new Map(
      parameters.map((name) => {
        const old = tensor(graph, name);
        return [name, { ...old, data: old.data.map((w) => w + 0.3 * draw.normal()) }];
      }),
    ),
  );
}

/** The mean of every channel of a value, in plain arithmetic. */
async function meansOf({ input }: Classifier, graph: Graph, value: string): Promise<number[]> {
  const found = await outputsOf(runtime, graph, clean, { input, outputs: [value] });
  const { dims, data } = found[value] as Floats;
  const [samples, channels, ...places] = dims as [number, number, ...number[]];
  const inner = places.reduce((a, b) => a * b, 1);
  const means = Array.from({ length: channels }, () => 0);
  data.forEach((number, at) => {
    const channel = Math.floor(at / inner) % channels;
    means[channel] = (means[channel] as number) + number / samples / inner;
  });
  return means;
}

const made = async (name: string) => {
  const classifier = await classifierOf(runtime, specimen(name).model, clean);
  const [one, two] = [moved(classifier, 1), moved(classifier, 2)];
  const parts = [
    { graph: one, share: 0.5 },
    { graph: two, share: 0.3 },
    { graph: classifier.graph, share: 0.2 },
  ];
  const mean = soup([one, two, classifier.graph], classifier.parameters);
  const corrected = await biasCorrected(runtime, classifier, mean, parts, clean);
  return { classifier, parts, mean, corrected };
};

describe('biases of a merged network', () => {
  test.each([
    ['Conv with bias', ['conv1']],
    ['Conv and BatchNormalization', ['conv1', 'bn']],
    ['Conv and a bias added', ['conv1', 'Add']],
    ['Gemm, transposed', ['fc1']],
    ['MatMul and a bias added', ['Add']],
    ['DeepID: two layers read one pool', ['conv1', 'conv2', 'fc1', 'fc2']],
  ])('give units the mean that they have in its parts: %s', async (name, values) => {
    const { classifier, parts, mean, corrected } = await made(name);
    for (const value of values) {
      const wanted = await Promise.all(
        parts.map(async ({ graph, share }) =>
          (await meansOf(classifier, graph, value)).map((unit) => share * unit),
        ),
      );
      const sums = (wanted[0] as number[]).map((_, unit) =>
        wanted.reduce((sum, units) => sum + (units[unit] as number), 0),
      );
      const before = await meansOf(classifier, mean, value);
      const after = await meansOf(classifier, corrected, value);
      after.forEach((unit, at) => expect(unit).toBeCloseTo(sums[at] as number, 4));
      expect(before.some((unit, at) => Math.abs(unit - (sums[at] as number)) > 0.01)).toBe(true);
    }
    // Nothing but biases is touched, and not that of the scores.
    const biases = classifier.parameters.filter((parameter) => {
      const [was, is] = [mean, corrected].map((graph) => tensor(graph, parameter));
      return was?.data.some((number, at) => number !== is?.data[at]);
    });
    expect(biases).toHaveLength(values.length);
    for (const bias of biases) {
      expect(tensor(mean, bias).dims.filter((size) => size > 1)).toHaveLength(1);
    }
  });

  test('stay as they are where the network is its own only part', async () => {
    const { classifier, mean } = await made('Conv with bias');
    const parts = [{ graph: mean, share: 1 }];
    const same = await biasCorrected(runtime, classifier, mean, parts, clean);
    for (const name of classifier.parameters) {
      expect(tensor(same, name).data).toEqual(tensor(mean, name).data);
    }
  });

  test('are left as they are where they silence a unit by numbers too low to be summed', async () => {
    const { classifier, parts, mean } = await made('Conv with bias');
    const silenced = (graph: Graph) => {
      const bias = tensor(graph, 'conv1.bias');
      const data = bias.data.map((b, unit) => (unit === 2 ? -3e38 : b));
      return withParameters(graph, new Map([['conv1.bias', { ...bias, data }]]));
    };
    const low = parts.map(({ graph, share }) => ({ graph: silenced(graph), share }));
    const corrected = await biasCorrected(runtime, classifier, silenced(mean), low, clean);
    const { data } = tensor(corrected, 'conv1.bias');
    expect(data[2]).toBe(Math.fround(-3e38));
    expect(data[0]).not.toBe(tensor(mean, 'conv1.bias').data[0]);
    expect(data.every(Number.isFinite)).toBe(true);
  });

  test.each(['a Gemm bias of one value', 'Conv without bias'])(
    'are left alone where they are none of single units: %s',
    async (name) => {
      const { classifier, mean, corrected } = await made(name);
      for (const parameter of classifier.parameters) {
        expect(tensor(corrected, parameter)).toEqual(tensor(mean, parameter));
      }
    },
  );
});
