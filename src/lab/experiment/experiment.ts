import { take } from '../../data/index.ts';
import {
  repair,
  type Outcome,
  type PrunedSite,
  type PruningStep,
  type Repair,
} from '../../defense/index.ts';
import { siteNamed, sitesOf } from '../../channels/index.ts';
import { type AttackScore, judge, predictTest, type TestData } from '../../network/index.ts';
import type { CleanScore, Evaluation, Rate } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { onClassifier, onDetector } from '../attacks/attacker.ts';
import type { Try } from '../attacks/pruning-aware.ts';
import { ablateUnits } from './ablation.ts';
import type { DetectionTask } from '../tasks/detection-task.ts';
import { fewerOf, type AttackName, type Task, type TaskData } from '../tasks/task.ts';

/** What one defense made of one network, on test data. */
export interface ReproduceRun {
  readonly task: string;
  readonly source: TaskData['source'];
  readonly attack: AttackName;
  /** The name of the defense; 'none' without one. */
  readonly defense: string;
  readonly seed: number;
  readonly acc: CleanScore;
  readonly asr: Rate;
  readonly ra: Rate;
  /** Of a detector: triggered objects that it does not find. */
  readonly missed?: Rate | undefined;
  /** Without a defense, the time that the attack took. */
  readonly seconds: number;
}

/** A unit of the site that is pruned. */
export interface ReproduceUnit {
  readonly unit: number;
  /** Mean activation on clean validation data and on triggered test data. */
  readonly clean: number;
  readonly triggered: number;
  readonly decoy: boolean;
  /** Accuracy and attack success on some test data where this unit alone is silenced. */
  readonly silenced: { readonly acc: Rate; readonly asr: Rate };
}

/** One network, unit by unit and along its pruning curve. */
export interface ReproduceNetwork {
  readonly attack: AttackName;
  readonly seed: number;
  readonly site: string;
  readonly units: readonly ReproduceUnit[];
  /** Nothing silenced, on the same test data as `silenced`. */
  readonly whole: { readonly acc: Rate; readonly asr: Rate };
  readonly order: readonly number[];
  readonly curve: readonly {
    readonly pruned: number;
    readonly validation: CleanScore;
    readonly acc: CleanScore;
    readonly asr: Rate;
  }[];
  /** How many units the pruning defense took. */
  readonly stop: number;
  /** Of a pruning-aware attack. */
  readonly tries?:
    | readonly (Pick<Try, 'pruned'> & { readonly acc: Rate; readonly asr: Rate })[]
    | undefined;
  readonly met?: boolean | undefined;
}

export interface ReproducedSeed {
  readonly runs: readonly ReproduceRun[];
  readonly networks: readonly ReproduceNetwork[];
  readonly models: Readonly<Partial<Record<AttackName, Model>>>;
  /** What they were trained, defended and tested on. */
  readonly data: TaskData;
  readonly test: TestData;
  /** What each network is after each defense, none first, and what it says of the test data then. */
  readonly outcomes: Readonly<Partial<Record<AttackName, readonly Outcome[]>>>;
}

/** The networks of the experiment: a pruning-aware one only where the task has its settings. */
export function attacksOn(task: Task | DetectionTask): AttackName[] {
  return ['none', 'baseline', ...(task.pruningAware ? (['pruning-aware'] as const) : [])];
}

export interface ReproduceSettings {
  readonly seed: number;
  /** Which data to take; 'real' by default. */
  readonly source?: TaskData['source'] | undefined;
  /** Networks to make; by default the clean one and every attack that the task has. */
  readonly attacks?: readonly AttackName[] | undefined;
  /** Every defense, which is the default, or fine-pruning only, in half the time. */
  readonly compare?: boolean | undefined;
  /** A twentieth of the data, to see that everything runs: its numbers say nothing. */
  readonly quick?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, all: number) => void) | undefined;
  /** Called with every network as soon as it is trained, before it is defended. */
  readonly onTrained?: ((network: TrainedNetwork) => Promise<void>) | undefined;
  /** Networks that `onTrained` was called with before, with the same seed and data. */
  readonly trained?: readonly TrainedNetwork[] | undefined;
}

const isClassifying = (task: Task | DetectionTask): task is Task => !('kind' in task);
const attackerOf = (task: Task | DetectionTask) =>
  isClassifying(task) ? onClassifier(task) : onDetector(task);

/** Whether the clean network of the same seed is wanted first: it is made on the way where it is not there. */
export function wantsClean(task: Task | DetectionTask, attack: AttackName): boolean {
  return attack !== 'baseline' || attackerOf(task).baseline.from === 'clean';
}

/** A network that is to be defended, and what there is to say of its making. */
export interface TrainedNetwork extends Pick<ReproduceNetwork, 'tries' | 'met'> {
  readonly attack: AttackName;
  readonly model: Model;
  readonly seconds: number;
  /** Of a pruning-aware attack. */
  readonly decoys?: readonly number[] | undefined;
}

/** Test samples on which units are silenced one by one. */
const SILENCED = 1000;

/**
 * The paper's experiment on one task with one seed: the clean, the baseline and, where the task has
 * its settings, the pruning-aware network, each with no defense, pruning, fine-tuning and fine-pruning.
 * The defender's settings are the task's, the same for all; the test data choose nothing. A network is
 * the same whichever others are made.
 *
 * @throws AttackError where a pruning-aware network is asked of a task without settings for it
 */
export async function reproduce(
  runtime: Runtime,
  task: Task | DetectionTask,
  settings: ReproduceSettings,
): Promise<ReproducedSeed> {
  const { seed, signal } = settings;
  const aborting = signal ? { signal } : {};
  const loaded = await task.load(seed, settings.source);
  const data = settings.quick === true ? fewerOf(loaded, seed) : loaded;
  const attacker = attackerOf(task);
  const said = (stage: string) => (done: number, all: number) =>
    settings.onProgress?.(stage, done, all);

  const attacks = settings.attacks ?? attacksOn(task);
  const trained: TrainedNetwork[] = [];
  const made = async (attack: AttackName, make: () => Promise<Omit<TrainedNetwork, 'attack'>>) => {
    const before = settings.trained?.find((network) => network.attack === attack);
    const network = before ?? { attack, ...(await make()) };
    if (attacks.includes(attack)) trained.push(network);
    if (!before) await settings.onTrained?.(network);
    return network;
  };
  const { baseline } = attacker;
  const how = (stage: string) => ({ seed, ...aborting, onProgress: said(stage) });
  const clean = attacks.some((attack) => wantsClean(task, attack))
    ? await made('none', () =>
        timed(async () => ({
          model: await attacker.clean(runtime, data, how('clean network: train')),
        })),
      )
    : undefined;
  if (attacks.includes('baseline')) {
    await made('baseline', async () => {
      const run = how('baseline attack: train');
      if (baseline.from === 'scratch') {
        return timed(async () => ({ model: await baseline.train(runtime, data, run) }));
      }
      if (!clean) throw new Error('a clean network that was not trained');
      const { model, seconds } = await timed(async () => ({
        model: await baseline.train(runtime, data, { ...run, clean: clean.model }),
      }));
      return { model, seconds: clean.seconds + seconds };
    });
  }
  if (clean && attacks.includes('pruning-aware')) {
    let stage = '';
    await made('pruning-aware', async () => {
      const { seconds, ...network } = await timed(async () => {
        const { model, decoys, tries, met } = await attacker.pruningAware(runtime, data, {
          seed,
          clean: clean.model,
          ...aborting,
          onStage: (name) => (stage = name),
          onProgress: (done, all) => said(`pruning-aware attack: ${stage}`)(done, all),
        });
        return {
          model,
          decoys: decoys.map(({ unit }) => unit),
          tries: tries.map(({ pruned, evaluation }) => {
            const { acc, asr } = whole(evaluation);
            return { pruned, acc, asr };
          }),
          met,
        };
      });
      return { ...network, seconds: clean.seconds + seconds };
    });
  }

  const test = {
    clean: data.test,
    triggered: {
      dataset: await attacker.triggered(runtime, data.test, clean?.model),
      target: task.target,
    },
  };
  const runs: ReproduceRun[] = [];
  const networks: ReproduceNetwork[] = [];
  const outcomes: Partial<Record<AttackName, readonly Outcome[]>> = {};
  for (const { attack, model, seconds, decoys = [], tries, met } of trained) {
    const repaired = await repair(runtime, model, data.validation, {
      ...task.defense,
      ...('site' in task && { site: task.site }),
      compare: settings.compare ?? true,
      fullCurve: true,
      test,
      seed,
      signal,
      onProgress: (stage, done, all) =>
        said(`${attack === 'none' ? 'clean' : attack} network: ${stage}`)(done, all),
    });
    outcomes[attack] = repaired.outcomes;
    for (const { method, evaluation, steps } of repaired.outcomes) {
      runs.push({
        task: task.name,
        source: data.source,
        attack,
        defense: method,
        seed,
        ...whole(evaluation),
        seconds: method === 'none' ? seconds : steps.reduce((sum, step) => sum + step.seconds, 0),
      });
    }
    networks.push({
      ...(await network(runtime, repaired, test, {
        attack,
        seed,
        decoys,
        silenced: isClassifying(task) ? SILENCED : task.silenced,
        ...aborting,
      })),
      tries,
      met,
    });
  }
  return {
    runs,
    networks,
    models: Object.fromEntries(trained.map(({ attack, model }) => [attack, model])),
    data,
    test,
    outcomes,
  };
}

type TriggeredTest = TestData & { readonly triggered: NonNullable<TestData['triggered']> };

async function network(
  runtime: Runtime,
  repaired: Repair,
  test: TriggeredTest,
  about: {
    readonly attack: AttackName;
    readonly seed: number;
    readonly decoys: readonly number[];
    /** Test samples on which units are silenced one by one. */
    readonly silenced: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ReproduceNetwork> {
  const { attack, seed, decoys, signal } = about;
  const { given } = repaired;
  const pruned = prunedSiteIn(repaired);
  const { order, curve, profile } = pruned;
  const site = siteNamed(sitesOf(given.traced, given.scores), pruned.site.name);
  const [clean, stamped] = [test.clean, test.triggered.dataset].map((all) =>
    take(all, Math.min(about.silenced, all.length), seed),
  );
  if (!clean || !stamped || !profile.triggered) throw new Error('a network without test data');
  const some = { clean, triggered: stamped, target: test.triggered.target };
  const triggered = profile.triggered;
  const silenced = await ablateUnits(runtime, given, site, some, signal);
  return {
    attack,
    seed,
    site: site.name,
    units: silenced.map(({ unit, acc, asr }) => ({
      unit,
      clean: profile.clean[unit] as number,
      triggered: triggered[unit] as number,
      decoy: decoys.includes(unit),
      silenced: { acc, asr },
    })),
    whole: await unsilenced(),
    order,
    curve: curve.map(({ pruned, validation, acc, asr }) => {
      if (!acc || !asr) throw new Error('a curve without test data');
      return { pruned, validation, acc, asr };
    }),
    stop: pruned.stop.pruned,
  };

  async function unsilenced() {
    const part: TestData = {
      clean: some.clean,
      triggered: { dataset: some.triggered, target: some.target },
    };
    const predictions = await predictTest(runtime, given, given.graph, part);
    const { acc, asr } = whole(judge(given, predictions, part));
    return { acc, asr };
  }
}

function whole(evaluation: Evaluation | undefined): Evaluation & AttackScore {
  if (!evaluation?.asr || !evaluation.ra) throw new Error('an evaluation without triggered data');
  return { ...evaluation, asr: evaluation.asr, ra: evaluation.ra };
}

async function timed<T extends object>(make: () => Promise<T>): Promise<T & { seconds: number }> {
  const started = performance.now();
  const made = await make();
  return { ...made, seconds: (performance.now() - started) / 1000 };
}

/** The first site that was pruned, by any of the methods. */
function prunedSiteIn({ outcomes }: Repair): PrunedSite {
  for (const { data, kind } of outcomes.flatMap(({ steps }) => steps)) {
    if (kind === 'pruning') return (data as PruningStep['data']).sites[0] as PrunedSite;
  }
  throw new Error('an experiment without a method that prunes');
}
