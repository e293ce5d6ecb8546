import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { arrayDataset } from '../data/index.ts';
import { sizeOf, type TensorOf } from '../onnx/index.ts';
import { readModel } from '../onnx/file.ts';
import { computeOutputs, fixedBatchSize } from '../train/index.ts';
import { openClassifier } from './classifier.ts';
import { formatOf } from './adapt/model-format.ts';
import { sitesOf } from '../channels/index.ts';

const folder = fileURLToPath(new URL('../../test/golden/classifiers/', import.meta.url));

/** Small classifiers as PyTorch exports them: see scripts/golden/classifiers.py. */
describe('as PyTorch exports it', () => {
  test.each([
    ['batch-of-one', { dims: [3, 8, 8], layout: 'NCHW' }, {}, 4],
    ['bytes-nhwc', { dims: [8, 8, 3], layout: 'NHWC', bytes: true }, {}, undefined],
    ['two-heads', { dims: [3, 8, 8], layout: 'NCHW' }, { output: 'main' }, 4],
    ['token', { dims: [3, 8, 8], layout: 'NCHW' }, {}, 4],
  ] as const)('%s', async (name, input, options, outputs) => {
    const { model } = await readModel(`${folder}${name}.onnx`);
    const format = formatOf(model, options);
    expect(format).toMatchObject({ name: 'image', input });
    if (outputs) expect(format.outputs).toBe(outputs);
    const { pixels, logits } = JSON.parse(await readFile(`${folder}${name}.json`, 'utf8')) as {
      pixels: number[];
      logits: number[];
    };
    const dataset = arrayDataset({
      name,
      classes: ['a', 'b', 'c', 'd'],
      sample: input.dims,
      labels: new Int32Array(pixels.length / sizeOf(input.dims)),
      data: Uint8Array.from(pixels),
      divisor: 'bytes' in input ? 1 : 255,
    });
    const runtime = await testRuntime();
    const classifier = await openClassifier(runtime, model, dataset, options);
    const { graph, scores, traced } = classifier;
    expect(fixedBatchSize(graph, classifier.input)).toBeUndefined();
    const results = await computeOutputs(runtime, graph, dataset, {
      input: classifier.input,
      outputs: [scores],
    });
    const { data, dims } = results[scores] as TensorOf<'float32'>;
    expect(dims).toEqual([5, 4]);
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(logits[i] as number, 5);
    expect(sitesOf(traced, scores).length).toBeGreaterThan(0);
  });
});
