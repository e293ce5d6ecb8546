import { type Dataset, relabel, split } from '../data/index.ts';
import type { StoreSettings } from '../channels/index.ts';
import type { CleanScore, Evaluation } from '../metrics/index.ts';
import {
  judge,
  type Network,
  type NetworkOptions,
  NO_EDITS,
  openNetwork,
  predictTest,
  type Predictions,
  type TestData,
} from '../network/index.ts';
import type { Model } from '../onnx/index.ts';
import type { Options } from '../options.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Checkpoints } from '../train/index.ts';
import { contextOf } from './context.ts';
import type { Defense, DefenseContext, Repaired } from './defense.ts';
import { DefenseError } from './error.ts';
import { DEFAULT_METHOD, DEFENSES } from './methods/index.ts';
import { type RepairScan, scanAfter, scanOrReason } from './scan/repair-scan.ts';
import type { ScanOptions } from './scan/settings.ts';
import {
  checkedSettings,
  checkKnown,
  type CommonSettings,
  commonSettings,
  type MethodSettings,
} from './settings.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface RepairOptions extends MethodSettings, Options<CommonSettings>, NetworkOptions {
  /** The name of a defense; default `DEFAULT_METHOD`, fine-pruning. */
  readonly method?: string | undefined;
  /** Other methods to run as well, for the table; true: those that the method has to do with. */
  readonly compare?: boolean | readonly string[] | undefined;
  /** Reported, never used to choose anything. */
  readonly test?: TestData | undefined;
  /** Defenses to choose from; default `DEFENSES`. */
  readonly defenses?: readonly Defense[] | undefined;
  /** Scan before and after: settings of the scan, or true for the defaults; default: no scan. */
  readonly scan?: boolean | ScanOptions | undefined;
  /** How activations are kept while units are pruned. */
  readonly cache?: StoreSettings | undefined;
  /** Where a killed run with the same data and settings left what it had. */
  readonly checkpoints?: Checkpoints | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, all: number) => void) | undefined;
}

/** What the network is after a method, and how it does on test data, where there is some. */
export interface Outcome extends Repaired {
  /** The name of the defense; 'none' for the network as it was given. */
  readonly method: string;
  readonly evaluation?: Evaluation | undefined;
  readonly predictions?: Predictions | undefined;
}

/** What a repair came to. */
export interface Repair {
  readonly verdict: Verdict;
  /** What scans found before and after, where they were asked for and can be done. */
  readonly scan: RepairScan | undefined;
  /** Why there is no scan, where one was asked for. */
  readonly notScanned: string | undefined;
  /** The network as it was given. */
  readonly given: Network;
  /** The network as it is now. */
  readonly network: Network;
  /** 'none' first, the method asked for last. */
  readonly outcomes: readonly Outcome[];
  /** Accuracy on the holdout, before and after. */
  readonly holdout: { readonly before: CleanScore; readonly after: CleanScore };
  readonly method: string;
  /** The settings of the method, and those that all methods share, with their defaults. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly maxDrop: number;
  readonly seed: number;
  readonly clean: DefenseContext['clean'];
  readonly test: TestData | undefined;
}

/**
 * Repairs a network: splits the clean data, runs a method, evaluates, and says what came of it. Everything
 * is chosen on `data`, which the network was not trained on. Test data are only reported.
 *
 * @param given - a model, or what `openNetwork` made of it and the clean data
 * @param data - the defender's clean data; where they have no labels, the answers of the network as it was
 *   given are taken for labels, and accuracy is agreement with them
 * @throws DefenseError, ChannelsError, NetworkError where the model, the data, the site or a setting do not
 *   fit; NormalizeError, AutodiffError or RuntimeError where the graph cannot be worked on; the signal's
 *   reason when it aborts
 */
export async function repair(
  runtime: Runtime,
  given: Model | Network,
  data: Dataset,
  options: RepairOptions = {},
): Promise<Repair> {
  const {
    method = DEFAULT_METHOD,
    compare,
    scan = false,
    cache,
    checkpoints,
    signal,
    onProgress,
  } = options;
  const { defenses = DEFENSES, output, scenes, ...settings } = withoutHandles(options);
  const methods = methodsOf(defenses, method, compare);
  checkKnown(settings, methods);
  const { maxDrop, holdout, seed } = checkedSettings(commonSettings, settings);
  const own = methods.map((defense) => checkedSettings(defense.settings, settings));
  // Too few samples are told before the network is opened.
  const parts = partsOf(data, holdout, seed);
  const network =
    'traced' in given ? given : await openNetwork(runtime, given, data, { output, scenes });
  const validation = await withOwnAnswers(runtime, network, data);
  const test = options.test && {
    ...options.test,
    clean: await withOwnAnswers(runtime, network, options.test.clean),
  };
  const clean = data.unlabeled ? partsOf(validation, holdout, seed) : parts;
  const context = contextOf({
    runtime,
    given: network,
    clean,
    test,
    maxDrop,
    seed,
    cache,
    checkpoints,
    signal,
    progress: (stage, done, all) => onProgress?.(stage, done, all),
  });
  for (const [index, defense] of methods.entries()) defense.check?.(context, own[index] as object);
  const scanning: ScanOptions = {
    ...(typeof scan === 'object' && scan),
    seed,
    signal,
    onProgress: (stage, done, all) => onProgress?.(stage, done, all),
  };
  const scanned = scan ? await scanOrReason(runtime, network, validation, scanning) : undefined;
  const start: Repaired = { network, masks: new Map(), edits: NO_EDITS, steps: [] };
  const results: (Repaired & { readonly method: string })[] = [{ ...start, method: 'none' }];
  for (const [index, defense] of methods.entries()) {
    const made = await context.run(defense, start, own[index] as object);
    results.push({ ...made, method: defense.name });
  }
  const outcomes: Outcome[] = [];
  for (const result of results) {
    signal?.throwIfAborted();
    onProgress?.('evaluate', outcomes.length, results.length);
    outcomes.push(test ? { ...result, ...(await evaluated(runtime, result, test)) } : result);
  }
  onProgress?.('evaluate', results.length, results.length);
  const [first, last] = [outcomes[0], outcomes.at(-1)] as [Outcome, Outcome];
  const scores = {
    before: await context.score(network.graph),
    after: await context.score(last.network.graph),
  };
  const scans =
    typeof scanned === 'object'
      ? await scanAfter(runtime, last.network, validation, scanned, scanning)
      : undefined;
  return {
    verdict: verdictOf({
      before: first.evaluation,
      after: last.evaluation,
      holdout: scores,
      maxDrop,
      steps: last.steps,
      unlabeled: validation.unlabeled,
      scan: scans,
    }),
    scan: scans,
    notScanned: typeof scanned === 'string' ? scanned : undefined,
    given: network,
    network: last.network,
    outcomes,
    holdout: scores,
    method,
    settings: { output, scenes, maxDrop, holdout, ...own.at(-1) },
    maxDrop,
    seed,
    clean,
    test,
  };
}

/** Options without those that are no settings. */
function withoutHandles({
  method: _method,
  compare: _compare,
  test: _test,
  scan: _scan,
  cache: _cache,
  checkpoints: _checkpoints,
  signal: _signal,
  onProgress: _onProgress,
  ...rest
}: RepairOptions) {
  return rest;
}

/**
 * The methods to run, the one asked for last.
 *
 * @throws DefenseError 'defense/unknown-method'
 */
function methodsOf(
  all: readonly Defense[],
  name: string,
  compare: RepairOptions['compare'] = false,
): Defense[] {
  const found = (name: string) => {
    const defense = all.find((each) => each.name === name);
    if (defense) return defense;
    throw new DefenseError(
      'defense/unknown-method',
      `There is no method "${name}": the methods are ${all.map((each) => each.name).join(', ')}`,
    );
  };
  const asked = found(name);
  const others =
    typeof compare === 'object' ? compare.map(found) : compare ? relativesOf(asked, all) : [];
  return [...all.filter((each) => others.includes(each) && each !== asked), asked];
}

/** The parts of a method, or the methods that it is a part of and all of their parts. */
function relativesOf(asked: Defense, all: readonly Defense[]): Defense[] {
  const whole = asked.parts ? [asked] : all.filter(({ parts }) => parts?.includes(asked.name));
  const names = whole.flatMap(({ name, parts = [] }) => [name, ...parts]);
  return all.filter(({ name }) => names.includes(name));
}

async function evaluated(
  runtime: Runtime,
  { network }: Repaired,
  test: TestData,
): Promise<Pick<Outcome, 'predictions' | 'evaluation'>> {
  const predictions = await predictTest(runtime, network, network.graph, test);
  return { predictions, evaluation: judge(network, predictions, test) };
}

/** Data without labels, labeled by what the network says. */
async function withOwnAnswers(runtime: Runtime, network: Network, data: Dataset): Promise<Dataset> {
  if (!data.unlabeled) return data;
  const { called } = await network.predict(runtime, network.graph, data);
  return relabel(data, called, `${data.name}, labeled by the network as delivered`);
}

function partsOf(validation: Dataset, share: number, seed: number): DefenseContext['clean'] {
  const { train, holdout } = split(validation, { train: 1 - share, holdout: share }, seed);
  if (train.length === 0 || holdout.length === 0) {
    throw new DefenseError(
      'defense/too-few',
      `The validation data "${validation.name}" has ${validation.length} samples: with a holdout of ${share} that is ${train.length} to train on and ${holdout.length} to choose by. One of each is needed, and some hundred to tell anything`,
    );
  }
  return { all: validation, train, holdout };
}
