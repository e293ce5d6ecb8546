import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import {
  arrayDataset,
  pictureCode,
  preset,
  random,
  type Dataset,
  type Preset,
} from '../../data/index.ts';
import { Builder, OPSET } from '../../graph/index.ts';
import { float32, type Model } from '../../onnx/index.ts';
import { openClassifier } from '../classifier.ts';
import { checkScale } from './scale.ts';

/** Tells bright pictures from dark ones: the mean of its input is above or below 0. */
function brightness(): Model {
  const b = new Builder();
  const x = b.input('image', 'float32', ['N', 1, 2, 2]);
  const mean = b.op('ReduceMean', [x, b.ints([1, 2, 3])], { keepdims: 0 });
  const column = b.op('Unsqueeze', [mean, b.ints([1])]);
  const scores = b.op('MatMul', [column, b.initializer('w', float32([1, 2], [-1, 1]))]);
  return {
    irVersion: 9,
    opsets: new Map([['', OPSET]]),
    producer: 'test',
    metadata: new Map(),
    graph: b.build([{ name: scores }]),
  };
}

/** Pictures of one brightness each, dark ones first, scaled by a preset. */
function pictures(name: Preset, classes = ['dark', 'bright']): Dataset {
  const code = pictureCode([1, 2, 2], 'NCHW', preset(name));
  const data = new Float32Array(256 * 4);
  for (let level = 0; level < 256; level += 1) {
    code.encodeBytes(new Uint8Array(4).fill(level), data.subarray(4 * level, 4 * level + 4));
  }
  const labels = Int32Array.from({ length: 256 }, (_, level) => (level < 128 ? 0 : 1));
  const dataset = arrayDataset({ name, classes, sample: [1, 2, 2], labels, data });
  return { ...dataset, pictures: code };
}

test('a network fed on the wrong scale guesses, and the right one is found', async () => {
  const runtime = await testRuntime();
  const dataset = pictures('0-1');
  const classifier = await openClassifier(runtime, brightness(), dataset);
  const check = await checkScale(runtime, classifier, dataset);
  // All but black, which is 0 and a tie, are called bright.
  expect(check.accuracy).toMatchObject({ hits: 129, of: 256 });
  expect(check.nearChance).toBe(true);
  expect(check.better.map(({ name, accuracy }) => [name, accuracy.hits])).toEqual([
    ['-1-1', 256],
    ['imagenet', 243],
    ['caffe', 243],
  ]);
});

test('a network that does well is left alone', async () => {
  const runtime = await testRuntime();
  const dataset = pictures('-1-1');
  const classifier = await openClassifier(runtime, brightness(), dataset);
  const check = await checkScale(runtime, classifier, dataset);
  expect(check).toMatchObject({ nearChance: false, better: [] });
});

test('where no scale helps, none is named', async () => {
  const runtime = await testRuntime();
  const draws = random(1, 'labels');
  const dataset = pictures('-1-1');
  const wrong = { ...dataset, labels: dataset.labels.map(() => draws.integer(2)) };
  const classifier = await openClassifier(runtime, brightness(), wrong);
  const check = await checkScale(runtime, classifier, wrong);
  expect(check).toMatchObject({ nearChance: true, better: [] });
});
