import { type Dataset, random } from '../../data/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Network } from '../../network/index.ts';
import { sizeOf } from '../../onnx/index.ts';
import { withDefaults } from '../../options.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { InputGradient } from '../../train/index.ts';
import { DefenseError } from '../error.ts';
import { candidateClasses } from './candidates.ts';
import { FAMILIES } from './families/index.ts';
import { sampleLayout } from './families/sample-layout.ts';
import { type Scan, scanOf } from './result.ts';
import { type FamilyResult, roundsOf, runRounds, stepsFor, stepsOf } from './rounds.ts';
import { openPredictor, readSamples } from './samples.ts';
import { searchStep, type SlotSearch, startSearch } from './search.ts';
import { SCAN_DEFAULTS, type ScanOptions, type ScanSettings, searchBatchSize } from './settings.ts';

/** Most classes that are searched, and fewest samples that a scan takes. */
const [MOST_CANDIDATES, FEWEST_SAMPLES] = [48, 10];

/**
 * Looks for a backdoor: for each class the smallest universal perturbation that makes the network say
 * that class, in each family. A class with a much smaller one than the others is suspect. The idea is
 * Neural Cleanse's (Wang et al., S&P 2019); here all classes are in one run, and the samples of a batch
 * are dealt out to them.
 *
 * @param data - clean samples; their labels are not used
 * @throws DefenseError 'defense/scan' for a detector, a class that the model does not have, a setting out
 *   of range, or too few samples; AutodiffError where no gradient passes from the scores to the input
 */
export async function scanNetwork(
  runtime: Runtime,
  network: Network,
  data: Dataset,
  options: ScanOptions = {},
): Promise<Scan> {
  const started = performance.now();
  const { signal, onProgress, ...given } = options;
  const settings = withDefaults(SCAN_DEFAULTS, given);
  const { seed, time, batchSize = searchBatchSize(sizeOf(data.sample)) } = settings;
  const count = data.classes.length;
  const classes = settings.classes ?? candidateClasses(network, count, MOST_CANDIDATES);
  check(data, classes, settings);
  const gradient = await openGradient(runtime, network, data, batchSize);
  const predictor = await openPredictor(runtime, network.graph, network, data.sample);
  try {
    const samples = await readSamples(data, predictor, seed);
    const layout = sampleLayout(data.sample, samples.search.x);
    const targets = targetsOf(classes, settings.classes === undefined ? count : 0);
    const found: FamilyResult[] = [];
    for (const family of FAMILIES) {
      const draw = random(seed, `scan/${family.name}`);
      const search = startSearch(family, layout, targets, draw);
      const step = async (current: SlotSearch) => {
        signal?.throwIfAborted();
        await searchStep(current, gradient, samples.search, draw);
      };
      const steps =
        time === undefined ? settings.steps : await stepsFor(time / FAMILIES.length, search, step);
      const all = stepsOf(roundsOf(targets.length, steps));
      let done = 0;
      const told = async (current: SlotSearch) => {
        await step(current);
        done += 1;
        onProgress?.(`search ${family.name}`, done, all);
      };
      found.push(await runRounds(search, steps, told, samples.judge, predictor));
    }
    const seconds = (performance.now() - started) / 1000;
    const looked = { network, data, classes, samples, layout, settings, seconds };
    return await scanOf(found, looked, predictor);
  } finally {
    await gradient.dispose();
    await predictor.dispose();
  }
}

/** A target for each class and, of three classes or more, all-to-all: each class as the next one. */
function targetsOf(labels: readonly number[], classes: number): Target[] {
  return [
    ...labels.map((label): Target => ({ kind: 'all-to-one', label })),
    ...(classes > 2 ? [{ kind: 'all-to-all', classes } as const] : []),
  ];
}

function openGradient(
  runtime: Runtime,
  network: Network,
  data: Dataset,
  batchSize: number,
): Promise<InputGradient> {
  if (network.inputGradient) return network.inputGradient(runtime, data, batchSize);
  return refuse('Detectors cannot be scanned yet: only classifiers can');
}

function check(data: Dataset, classes: readonly number[], settings: ScanSettings): void {
  for (const key of ['steps', 'batchSize', 'time'] as const) {
    const value = settings[key];
    const fits = value === undefined || (value > 0 && value < Infinity);
    if (!fits || (key !== 'time' && !Number.isInteger(value ?? 1))) {
      refuse(`"${key}" is ${value}: give a ${key === 'time' ? '' : 'whole '}number above 0`);
    }
  }
  if (data.length < FEWEST_SAMPLES) {
    refuse(
      `A scan takes at least ${FEWEST_SAMPLES} clean samples, "${data.name}" has ${data.length}`,
    );
  }
  const count = data.classes.length;
  if (classes.length < 2) refuse('A scan compares classes: give at least two');
  const wrong = classes.find((label) => !Number.isInteger(label) || label < 0 || label >= count);
  if (wrong !== undefined) refuse(`There is no class ${wrong}: the model has 0 to ${count - 1}`);
}

function refuse(why: string): never {
  throw new DefenseError('defense/scan', why);
}
