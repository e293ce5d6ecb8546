import { describe, expect, test } from 'vitest';
import { arrayDataset, random, type Dataset } from '../src/data/index.ts';
import { defend, exportModel, profileOf, slim, SLIM_TOLERANCE } from '../src/defense/index.ts';
import { apart, explicitlyMasked, scoresOf } from '../src/defense/fixture.ts';
import { decodeModel, encodeModel, type Graph, sizeOf } from '../src/onnx/index.ts';
import { sha256Of, type OnnxFile } from '../src/onnx/file.ts';
import { FAMILIES, readFamily } from './families.ts';
import { testRuntime } from './gradcheck.ts';

/** Small networks of torchvision's families and others, as PyTorch exports them. */
const NAMES = [
  'convnext.frozen',
  'densenet.frozen',
  'efficientnet.folded',
  'googlenet.folded',
  'm5.frozen',
  'mnasnet.folded',
  'mobilenet-v2.folded',
  'mobilenet-v3.frozen',
  'regnet.folded',
  'resnet-basic.frozen',
  'resnext.folded',
  'shufflenet.folded',
  'squeezenet.folded',
  'vgg.frozen',
  'vit.folded',
];

const CLASSES = 10;

/** Of the units: enough that some are pruned that do something. */
const SHARE = 0.75;

/** Random inputs. */
function inputs(sample: readonly number[], length: number): Dataset {
  const rng = random(1, 'inputs');
  return arrayDataset({
    name: 'random',
    classes: Array.from({ length: CLASSES }, (_, label) => `class ${label}`),
    sample,
    labels: Int32Array.from({ length }, (_, index) => index % CLASSES),
    data: Float32Array.from({ length: length * sizeOf(sample) }, () => rng.normal()),
  });
}

function fileOf(name: string): { file: OnnxFile; data: Dataset } {
  const { golden, model } = readFamily(FAMILIES, name);
  const bytes = encodeModel(model);
  const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
  return { file, data: inputs(golden.x.dims.slice(1), 6) };
}

describe.each(NAMES)('%s goes through defend', (name) => {
  const { file, data } = fileOf(name);

  test.each(['producer', 'consumers', 'mul'] as const)('with a mask into the %s', async (fold) => {
    const runtime = await testRuntime();
    const { classifier, prunings, outcomes } = await defend(runtime, file.model, data, undefined, {
      method: 'pruning',
      pruning: { share: SHARE, fold },
    });
    const [{ site, pruned, fold: found }] = prunings;
    expect(found.into).toBe(fold);
    expect(pruned).toHaveLength(Math.floor(SHARE * site.units));
    const graph = outcomes.at(-1)?.graph as typeof classifier.graph;
    const due = await scoresOf(classifier, explicitlyMasked(classifier.graph, site, pruned), data);
    const most = due.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(apart(await scoresOf(classifier, graph, data), due) / most).toBeLessThan(1e-5);
    const plain = await scoresOf(classifier, classifier.graph, data);
    expect(apart(plain, due) / most).toBeGreaterThan(1e-3);

    const repaired = exportModel(file, graph, {});
    const made = await slim(runtime, decodeModel(repaired), prunings, data);
    const gone = made.removed[0]?.units ?? [];
    expect(made.difference).toBeLessThanOrEqual(SLIM_TOLERANCE);
    expect(made.bytes.length).toBeLessThan(repaired.length);
    // All of DenseNet's last layers read what the site is made of.
    expect(gone).toHaveLength(name.startsWith('densenet') ? 4 : pruned.length);
    expect(made.kept).toHaveLength(pruned.length - gone.length);
  });

  test('and what is pruned stays pruned in fine-tuning', async () => {
    const runtime = await testRuntime();
    const defence = await defend(runtime, file.model, data, undefined, {
      pruning: { share: SHARE },
      tune: { epochs: 1, batchSize: 4, rate: 1e-3 },
      freezeUnsupported: true,
    });
    const [{ site, pruned }] = defence.prunings;
    const tuned = defence.outcomes.at(-1)?.graph as Graph;
    const profile = await profileOf(runtime, tuned, defence.classifier.input, site, data);
    for (const unit of pruned) expect(profile.units['mean-absolute'][unit]).toBe(0);
    const made = await slim(
      runtime,
      decodeModel(exportModel(file, tuned, {})),
      defence.prunings,
      data,
    );
    expect(made.difference).toBeLessThanOrEqual(SLIM_TOLERANCE);
    const changed = [...tuned.initializers].filter(
      ([parameter, tensor]) =>
        defence.classifier.graph.initializers.get(parameter)?.data.join() !== tensor.data.join(),
    );
    expect(changed.length).toBeGreaterThan(4);
  });
});
