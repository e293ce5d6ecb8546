import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { arrayDataset, random } from '../../data/index.ts';
import { openClassifier } from '../../network/index.ts';
import { defaultSites, sitesOf } from '../../channels/index.ts';
import { parametersOf } from '../../network/parameters.ts';
import { constant, train } from '../../train/index.ts';
import { denseNet } from './densenet.ts';
import { mobileNet } from './mobilenet.ts';
import { resNet } from './resnet.ts';

const draw = random(0, 'stripes');
/** Stripes across or down, in noise. */
const stripes = arrayDataset({
  name: 'stripes',
  classes: ['across', 'down'],
  sample: [1, 28, 28],
  labels: Int32Array.from({ length: 48 }, (_, i) => i % 2),
  data: Float32Array.from({ length: 48 * 784 }, (_, at) => {
    const [row, column] = [Math.floor((at % 784) / 28), at % 28];
    return (
      ((Math.floor(at / 784) % 2 === 0 ? row : column) % 4 < 2 ? 0.8 : 0) + 0.2 * draw.uniform()
    );
  }),
});

test.each([
  ['resnet', resNet, 'block3.relu2', 96],
  ['densenet', denseNet, 'last.relu', 80],
  ['mobilenet', mobileNet, 'last.relu', 128],
] as const)(
  '%s learns, and its last site is that before the mean',
  async (_, build, site, units) => {
    const runtime = await testRuntime();
    const model = build(0, 2);
    const classifier = await openClassifier(runtime, model, stripes);
    const last = defaultSites(
      classifier.traced,
      sitesOf(classifier.traced, classifier.scores),
      classifier.scores,
    ).sites[0];
    expect([last.name, last.units]).toEqual([site, units]);
    const losses: number[] = [];
    await train(runtime, model.graph, stripes, {
      input: classifier.input,
      logits: classifier.scores,
      parameters: parametersOf(model.graph, classifier.scores),
      mode: 'training',
      epochs: 5,
      batchSize: 16,
      optimizer: { kind: 'sgd', momentum: 0.9 },
      schedule: constant(0.02),
      seed: 0,
      onEpoch({ loss }) {
        losses.push(loss);
        return 'continue';
      },
    });
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] as number));
  },
);
