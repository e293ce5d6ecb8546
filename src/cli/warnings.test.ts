import { afterEach, expect, test, vi } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { images, opened, specimen } from '../../test/helpers/networks.ts';
import { batchWarning, scaleWarning, warnOfModel } from './warnings.ts';

const batches = (lines: readonly string[]) => lines.filter((line) => line.includes('batches'));
const rate = (hits: number) => ({ rate: hits / 200, hits, of: 200, low: 0, high: 1 });

test('a warning gives the accuracy, and the preprocessing that is better', () => {
  const better = [{ name: 'imagenet, bgr', accuracy: rate(190) }];
  expect(scaleWarning({ accuracy: rate(20), nearChance: true, better })).toBe(
    'clean accuracy is 10.0% on 200 samples, little more than guessing; it is higher with other preprocessing: 95.0% with --preprocess imagenet --channels bgr',
  );
  expect(scaleWarning({ accuracy: rate(20), nearChance: true, better: [] })).toMatch(
    /no preset is better: check the labels/,
  );
  expect(scaleWarning({ accuracy: rate(90), nearChance: false, better: [] })).toBeUndefined();
});

test('a warning of a batch size names the samples of a fine-tuning step', () => {
  expect(batchWarning(1)).toBe(
    'the model takes single samples, and could not be rewritten for other batch sizes: everything is slower, and a fine-tuning step uses one sample whatever --batch is; export it with a dynamic batch axis if you can',
  );
  expect(batchWarning(4)).toMatch(/takes batches of 4, .* uses 4 samples whatever/);
  expect(batchWarning(undefined)).toBeUndefined();
});

test('both are written to standard error, if there is anything to warn of', async () => {
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const { classifier } = await opened(specimen('Conv with bias').model);
  const [input] = classifier.graph.inputs;
  if (!input?.dims) throw new Error('no input');
  const fixed = {
    ...classifier,
    graph: { ...classifier.graph, inputs: [{ ...input, dims: [4, ...input.dims.slice(1)] }] },
  };
  const runtime = await testRuntime();
  await warnOfModel(runtime, classifier, images(40, 3));
  expect(batches(said)).toEqual([]);
  const data = images(40, 3);
  const labels = data.labels.map((label) => (label + 1) % 3);
  await warnOfModel(runtime, fixed, { ...data, labels });
  expect(batches(said)).toEqual([`warning: ${batchWarning(4)}\n`]);
  expect(said).toContainEqual(expect.stringContaining('clean accuracy is'));
});

afterEach(() => vi.restoreAllMocks());
