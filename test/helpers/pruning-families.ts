import { beforeAll, expect, test } from 'vitest';
import { arrayDataset, subset, take, type Dataset } from '../../src/data/index.ts';
import { mnist } from '../../src/lab/index.ts';
import {
  exportModel,
  insertedInFile,
  openClassifier,
  weightEdits,
} from '../../src/network/index.ts';
import { prunedUnits, type Repair, repair } from '../../src/defense/index.ts';
import { lastOf, prunedSites, tuningOf } from './repair.ts';
import { profileOf, siteNamed, sitesOf, slim, SLIM_TOLERANCE } from '../../src/channels/index.ts';
import { apart, explicitlyMasked, scoresOf } from './networks.ts';
import { decodeModel, encodeModel, sizeOf } from '../../src/onnx/index.ts';
import { sha256Of, type OnnxFile } from '../../src/onnx/file.ts';
import { accuracy } from '../../src/metrics/index.ts';
import { constant, predict, train, withParameters } from '../../src/train/index.ts';
import { FAMILIES, readFamily } from './families.ts';
import { testRuntime } from './gradcheck.ts';

/** Networks with random weights: they learn too slowly for a test. */
const DRAWN = ['googlenet.folded', 'm5.frozen'];

/** Share of units to prune: enough to include active ones. */
const SHARE = 0.75;

const mnistOnce = mnist();

/** MNIST's image size, mean and standard deviation. */
const [SIDE, MEAN, DEVIATION] = [28, 0.1307, 0.3081];

/** The sites that were pruned. */
function sitesIn(made: Repair) {
  const sites = sitesOf(made.given.traced, made.given.scores);
  return prunedUnits(made).map(({ site, units }) => ({
    site: siteNamed(sites, site),
    pruned: units,
  }));
}

/** Enlarged zeros and ones of MNIST, equal in every channel; for audio networks, row after row. */
async function digits(all: Dataset, length: number, sample: readonly number[]): Promise<Dataset> {
  const zerosAndOnes = [...all.labels.keys()].filter((index) => (all.labels[index] as number) < 2);
  const some = take(subset(all, zerosAndOnes), length, 1);
  const pixels = new Float32Array(length * SIDE * SIDE);
  await some.read(
    Uint32Array.from({ length }, (_, index) => index),
    pixels,
  );
  const [height, width] = sample.slice(1) as [number, number];
  const nearest = (place: number, of: number) => Math.floor((place * SIDE) / of);
  const pixelAt = (place: number) =>
    sample.length < 3
      ? place
      : SIDE * nearest(Math.floor(place / width), height) + nearest(place % width, width);
  const size = sizeOf(sample);
  const places = sizeOf(sample.slice(1));
  const data = Float32Array.from({ length: length * size }, (_, index) => {
    const pixel = pixelAt((index % size) % places);
    const image = SIDE * SIDE * Math.floor(index / size);
    return ((pixel < SIDE * SIDE ? (pixels[image + pixel] as number) : 0) - MEAN) / DEVIATION;
  });
  const { classes } = all;
  return arrayDataset({ name: 'zeros and ones', classes, sample, labels: some.labels, data });
}

const fileOf = (bytes: Uint8Array): OnnxFile => ({
  bytes,
  model: decodeModel(bytes),
  sha256: sha256Of(bytes),
});

/** A family's network as a file, trained for 24 steps, and unseen digits. */
async function family(name: string): Promise<{ file: OnnxFile; unseen: Dataset }> {
  const { golden, model } = readFamily(FAMILIES, name);
  const sample = golden.x.dims.slice(1);
  const { train: some, test: others } = await mnistOnce;
  const drawn = fileOf(encodeModel(model));
  const unseen = await digits(others, 50, sample);
  if (DRAWN.includes(name)) return { file: drawn, unseen };
  const runtime = await testRuntime();
  const data = await digits(some, 128, sample);
  const { graph, input, scores, parameters } = await openClassifier(runtime, drawn.model, data);
  const weights = await train(runtime, graph, data, {
    epochs: 3,
    batchSize: 16,
    optimizer: { kind: 'adam' },
    schedule: constant(3e-3),
    input,
    logits: scores,
    parameters,
    seed: 1,
  });
  const edits = weightEdits(parameters);
  const bytes = exportModel(drawn, withParameters(graph, weights), edits, {});
  return { file: fileOf(bytes), unseen };
}

/** Tests that a family's network can be pruned with every form of mask, fine-tuned and slimmed. */
export function goesThroughDefend(name: string): void {
  let file: OnnxFile;
  let data: Dataset;

  beforeAll(async () => {
    const made = await family(name);
    file = made.file;
    data = take(made.unseen, 6, 1);
    if (DRAWN.includes(name)) return;
    // Some pruned units are active.
    const runtime = await testRuntime();
    const { graph, input, scores: logits } = await openClassifier(runtime, file.model, data);
    const predicted = await predict(runtime, graph, made.unseen, { input, logits });
    expect(accuracy(predicted, made.unseen.labels).rate).toBeGreaterThan(0.7);
  });

  test.each(['producer', 'consumers', 'mul'] as const)('with a mask into the %s', async (fold) => {
    const runtime = await testRuntime();
    const made = await repair(runtime, file.model, data, {
      method: 'pruning',
      share: SHARE,
      mask: fold,
    });
    expect(prunedSites(made)[0]?.mask).toBe(fold);
    const sites = sitesIn(made);
    for (const { site, pruned } of sites) {
      expect(pruned).toHaveLength(Math.floor(SHARE * site.units));
    }
    const classifier = made.given;
    const { network, edits } = lastOf(made);
    const { graph } = network;
    // Networks with parallel paths have several sites.
    const masked = sites.reduce(
      (whole, { site, pruned }) => explicitlyMasked(whole, site, pruned),
      classifier.graph,
    );
    const due = await scoresOf(classifier, masked, data);
    const most = due.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(apart(await scoresOf(classifier, graph, data), due) / most).toBeLessThan(1e-5);
    const plain = await scoresOf(classifier, classifier.graph, data);
    expect(apart(plain, due) / most).toBeGreaterThan(1e-3);

    const repaired = exportModel(file, graph, edits, {});
    const masks = insertedInFile(file.model.graph, edits);
    const small = await slim(runtime, decodeModel(repaired), sites, data, { masks });
    const gone = small.removed.flatMap(({ units }) => units);
    const pruned = sites.flatMap((place) => place.pruned);
    expect(small.difference).toBeLessThanOrEqual(SLIM_TOLERANCE);
    expect(small.bytes.length).toBeLessThan(repaired.length);
    // All of DenseNet's last layers read the inputs of the site.
    expect(gone).toHaveLength(name.startsWith('densenet') ? 4 : pruned.length);
    expect(small.kept).toHaveLength(pruned.length - gone.length);
  });

  test('and what is pruned stays pruned in fine-tuning', async () => {
    const runtime = await testRuntime();
    const repaired = await repair(runtime, file.model, data, {
      share: SHARE,
      epochs: 1,
      batchSize: 4,
      rate: 1e-3,
      freezeUnsupported: true,
    });
    const sites = sitesIn(repaired);
    const { network, edits } = lastOf(repaired);
    const tuned = network.graph;
    expect(tuningOf(repaired).runs).toHaveLength(1);
    for (const { site, pruned } of sites) {
      const profile = await profileOf(runtime, tuned, network.input, site, data);
      for (const unit of pruned) expect(profile.units['mean-absolute'][unit]).toBe(0);
    }
    const made = await slim(runtime, decodeModel(exportModel(file, tuned, edits, {})), sites, data);
    expect(made.difference).toBeLessThanOrEqual(SLIM_TOLERANCE);
    const changed = [...tuned.initializers].filter(
      ([parameter, tensor]) =>
        repaired.given.graph.initializers.get(parameter)?.data.join() !== tensor.data.join(),
    );
    expect(changed.length).toBeGreaterThan(4);
  });
}
