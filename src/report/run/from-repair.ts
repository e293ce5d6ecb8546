import { siteNamed, sitesOf, foldOf, unitGradients } from '../../channels/index.ts';
import { digest, picturesOf, type Dataset } from '../../data/index.ts';
import type { Repair } from '../../defense/index.ts';
import type { TestData } from '../../network/index.ts';
import { sizeOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { VERSION } from '../../version.ts';
import { pixelsFromPlanes } from '../page/png.ts';
import { repairScanOf } from '../scan/from-scan.ts';
import { confusionsOf } from './confusions.ts';
import type { Example, Picture, RunRecord } from './record.ts';
import { scenesOf } from './scenes.ts';
import { isTuning, prunedSitesOf, stepsOf } from './steps.ts';
import { layersOf } from './structure.ts';

/** What a record needs to know besides the repair. */
export interface RunFacts {
  /** The command line, or the call, that repeats the run. */
  readonly command: string;
  readonly runtime: Runtime;
  readonly input: FileFact & { readonly data?: readonly FileFact[] | undefined };
  readonly output: FileFact;
  readonly source: 'real' | 'synthetic';
  /** Wall-clock time of the run. */
  readonly seconds: number;
  /** The file without the pruned units, if one was asked for. */
  readonly slim?: RunRecord['slim'] | undefined;
  /** Settings besides those of the method, such as how the data were read. */
  readonly settings?: RunRecord['settings'] | undefined;
  /** The training data, if the network was trained in the same run. */
  readonly train?: Dataset | undefined;
}

interface FileFact {
  readonly path: string;
  readonly sha256: string;
}

/**
 * Makes the record of a repair. Which units fine-tuning can change is measured here, and not by the
 * repair, because it takes a training graph and is only shown.
 */
export async function recordOf(repair: Repair, facts: RunFacts): Promise<RunRecord> {
  const { outcomes, clean, test, seed } = repair;
  const { runtime, input } = facts;
  const scenes = test && (await scenesOf(outcomes, test));
  const entry = async (role: RunRecord['data'][number]['role'], dataset: Dataset) => ({
    role,
    name: dataset.name,
    count: dataset.length,
    sha256: await digest(dataset),
    source: facts.source,
  });
  return {
    tool: {
      name: 'fineprune',
      version: VERSION,
      backend: runtime.backend,
      runtimeVersion: runtime.version,
    },
    host: {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      threads: runtime.threads,
      seconds: facts.seconds,
    },
    command: facts.command,
    seed,
    settings: plain({ ...facts.settings, method: repair.method, ...repair.settings }),
    input: { ...input, data: input.data && [...input.data] },
    output: facts.output,
    unlabeled: clean.all.unlabeled,
    data: [
      ...(facts.train ? [await entry('train', facts.train)] : []),
      await entry('validation', clean.all),
      ...(test ? [await entry('test', test.clean)] : []),
      ...(test?.triggered ? [await entry('triggered', test.triggered.dataset)] : []),
    ],
    outcomes: outcomes.map(({ method, evaluation, steps }) => ({
      method,
      evaluation,
      steps: steps.map((step) => ({ ...step, data: plain(step.data) })),
    })),
    reach: await reachOf(repair, runtime),
    slim: facts.slim,
    holdout: repair.holdout,
    confusions: confusionsOf(repair),
    layers: layersOf(repair),
    examples: test && !scenes ? await examplesOf(repair, test) : [],
    scenes,
    scan: repair.scan && repairScanOf(repair.scan, clean.all),
    notScanned: repair.notScanned,
    verdict: repair.verdict,
  };
}

/** Data as JSON has them: no undefined values, typed arrays as lists, functions by a placeholder. */
function plain<T>(data: T): T {
  const text = JSON.stringify(data, (_, value: unknown) => {
    if (typeof value === 'function') return 'by the caller';
    return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
  });
  return JSON.parse(text) as T;
}

/** Mean |gradient| of the weights of each unit at the pruned sites; only if the method fine-tunes. */
async function reachOf(repair: Repair, runtime: Runtime): Promise<RunRecord['reach']> {
  const { given, clean, seed } = repair;
  const tuning = stepsOf(repair).find(isTuning);
  if (!tuning) return undefined;
  const batchSize = Number(tuning.data.settings['batchSize'] ?? given.tuning.batchSize);
  const sites = sitesOf(given.traced, given.scores);
  const reach: NonNullable<RunRecord['reach']> = [];
  for (const { site } of prunedSitesOf(repair)) {
    const fold = foldOf(given.graph, given.traced, siteNamed(sites, site.name));
    const how = { batchSize, seed };
    const gradient = await unitGradients(runtime, given, site.units, fold, clean.train, how);
    if (gradient) reach.push({ site: site.name, gradient: [...gradient] });
  }
  return reach;
}

/** The first test sample of each class, with the predictions before and after. */
async function examplesOf({ outcomes }: Repair, test: TestData, count = 8): Promise<Example[]> {
  const { labels, classes } = test.clean;
  const clean = picturesOf(test.clean);
  const triggered = test.triggered && picturesOf(test.triggered.dataset);
  const [before, after] = [outcomes[0], outcomes.at(-1)];
  if (!before?.predictions || !after?.predictions) return [];
  const firsts = classes.map((_, label) => labels.indexOf(label)).filter((index) => index >= 0);
  const name = (predicted: Int32Array | undefined, index: number) =>
    classes[predicted?.[index] ?? -1] ?? '';
  const examples: Example[] = [];
  for (const index of firsts.slice(0, count)) {
    const image = await pictureOf(clean, index);
    const other = triggered && (await pictureOf(triggered, index));
    examples.push({
      image,
      label: classes[labels[index] as number] as string,
      before: name(before.predictions.clean.called, index),
      after: name(after.predictions.clean.called, index),
      triggeredImage: other,
      beforeTriggered: triggered && name(before.predictions.triggered?.called, index),
      afterTriggered: triggered && name(after.predictions.triggered?.called, index),
    });
  }
  return examples;
}

/** A sample as a picture; undefined if it is no image, such as a waveform or a row of a table. */
async function pictureOf(dataset: Dataset, index: number): Promise<Picture | undefined> {
  const { sample } = dataset;
  if (sample.length !== 3 || ![1, 3, 4].includes(sample[0] ?? 0)) return undefined;
  const values = new Float32Array(sizeOf(sample));
  await dataset.read([index], values);
  return pixelsFromPlanes(values, sample, { low: 0, high: 1 });
}
