import { beforeAll, describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { blocks } from '../../../test/helpers/data.ts';
import { applyMask, defaultSites, predictionsAlong, sitesOf } from '../../channels/index.ts';
import { lastOf, prunedSites } from '../../../test/helpers/repair.ts';
import { type PrunedSite, repair } from '../../defense/index.ts';
import {
  openDetector,
  exportModel,
  labelsOf,
  detect,
  detectorOf,
  specOf,
} from '../../network/index.ts';
import {
  detectionAttack,
  evaluateDetections,
  correctlyDetected,
  type Target,
} from '../../metrics/index.ts';
import { decodeModel, encodeModel, type Model } from '../../onnx/index.ts';
import { sha256Of } from '../../onnx/file.ts';
import { oneCycle } from '../../train/index.ts';
import { detectorNetwork, LAST_SITE } from '../networks/detector.ts';
import { largeSticker } from '../../../test/helpers/lab.ts';
import { detection, type DetectorTraining } from './detection.ts';
import { poisonScenes, triggeredScenes } from './poison-scenes.ts';

const SIZE = [48, 48] as const;
const spec = { ...specOf(['red', 'blue'], SIZE), anchors: [12, 20] };
const target: Target = { kind: 'source-to-target', source: 0, target: 1 };
/** A square that fills more of a block than the paper's: these blocks are small. */
const trigger = largeSticker();
const training: DetectorTraining = {
  epochs: 30,
  batchSize: 4,
  optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
  schedule: oneCycle(0.05),
  mode: 'training',
};
const train = blocks(28, SIZE, 1);
const validation = blocks(20, SIZE, 2);
const unseen = blocks(24, SIZE, 3);
const triggered = triggeredScenes(unseen, trigger, target);

describe('a detector with a backdoor', { timeout: 120_000 }, () => {
  let model: Model;
  beforeAll(async () => {
    const { dataset } = poisonScenes(train, { trigger, target, rate: 0.5, seed: 0 });
    const start = detectorNetwork(0, spec, 16);
    const trained = await detection.train(await testRuntime(), start, dataset, training, {
      seed: 0,
    });
    expect(trained.epochs).toHaveLength(30);
    ({ model } = trained);
  });

  test('detects blocks, and classifies red ones with the sticker as blue', async () => {
    const runtime = await testRuntime();
    const { graph } = detectorOf(model);
    const [clean, fooled] = [
      await detect(runtime, graph, unseen),
      await detect(runtime, graph, triggered),
    ];
    const objects = unseen.objects ?? [];
    const judged = evaluateDetections(
      clean.map((detections, index) => ({ detections, objects: objects[index] ?? [] })),
      2,
    );
    expect(judged.map).toBeGreaterThan(0.75);
    const results = fooled.map((detections, index) => {
      const own = triggered.objects?.[index] ?? [];
      const at = objects.indexOf(own);
      return {
        detections,
        objects: own,
        counted: correctlyDetected({ objects: own, detections: clean[at] ?? [] }),
      };
    });
    const { asr } = detectionAttack(results, target);
    expect(asr.of).toBeGreaterThan(8);
    expect(asr.rate).toBeGreaterThan(0.8);
  });

  test('gives the same detections along the curve as with the mask in its weights', async () => {
    const runtime = await testRuntime();
    const detector = await openDetector(runtime, model, validation);
    const site = defaultSites(
      detector.traced,
      sitesOf(detector.traced, detector.scores),
      detector.scores,
    ).sites[0];
    expect(site.name).toBe(LAST_SITE);
    const order = [3, 0, 9, 12, 5, 1];
    const points = predictionsAlong(runtime, detector, site, validation, order, { step: 3 });
    let seen = 0;
    for await (const { pruned, answers } of points) {
      const { graph } = applyMask(detector, site, order.slice(0, pruned));
      const whole = await detector.predict(runtime, graph, validation);
      expect(answers).toEqual(whole);
      expect(answers.called).toHaveLength(labelsOf(validation).length);
      seen += 1;
    }
    expect(seen).toBe(3);
  });

  test('is repaired as a classifier is, and pruned units stay at zero in its file', async () => {
    const runtime = await testRuntime();
    const test = { clean: unseen, triggered: { dataset: triggered, target } };
    const defense = await repair(runtime, model, validation, {
      test,
      compare: true,
      step: 4,
      maxDrop: 0.1,
      rate: 0.01,
      epochs: 3,
      batchSize: 4,
      fullCurve: true,
    });
    const of = (name: string) => {
      const { evaluation } = defense.outcomes.find(({ method }) => method === name) ?? {};
      return { acc: evaluation?.acc.rate ?? NaN, asr: evaluation?.asr?.rate ?? NaN };
    };
    const [pruning] = prunedSites(defense) as [PrunedSite];
    expect(pruning.site.name).toBe(LAST_SITE);
    expect(pruning.curve.length).toBe(5);
    expect(of('none').asr).toBeGreaterThan(0.7);
    expect(of('fine-pruning').acc).toBeGreaterThan(of('none').acc - 0.15);
    expect(of('fine-pruning').asr).toBeLessThan(of('none').asr);
    // What is pruned stays pruned, and the file still is a detector.
    const bytes = encodeModel(model);
    const { network, edits } = lastOf(defense);
    const given = { bytes, model, sha256: sha256Of(bytes) };
    const file = decodeModel(exportModel(given, network.graph, edits, {}));
    const scale = detectorOf(file).graph.initializers.get('conv5.norm.weight')?.data ?? [];
    for (const unit of pruning.order.slice(0, pruning.stop.pruned)) expect(scale[unit]).toBe(0);
    expect(await detect(runtime, detectorOf(file).graph, validation)).toEqual(
      await detect(runtime, network.graph, validation),
    );
  });

  test('has scenes, which a classifier refuses', async () => {
    const runtime = await testRuntime();
    await expect(repair(runtime, { ...model, metadata: new Map() }, validation)).rejects.toThrow(
      /not a detector that fineprune trained/,
    );
  });
});
