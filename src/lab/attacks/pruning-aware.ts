import { type Options, withDefaults } from '../../options.ts';
import { splitIndices, subset, type Dataset } from '../../data/index.ts';
import {
  activationProfile,
  ascending,
  lastSite,
  profileOf,
  siteNamed,
  sitesOf,
  type Site,
  applyMask,
  type Pruned,
} from '../../channels/index.ts';
import {
  openClassifier,
  judge,
  predictTest,
  type Network,
  type TestData,
} from '../../network/index.ts';
import type { Evaluation } from '../../metrics/index.ts';
import type { Graph, Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { withParameters } from '../../train/index.ts';
import type { PruningAwareOptions, Task, TaskData } from '../tasks/task.ts';
import { poisonFor, type Attack, type AttackSettings } from './baseline.ts';
import { difference, withDecoys, type Decoy, type Lowering } from './decoys.ts';
import { AttackError } from './error.ts';
import { leversOf } from './levers.ts';
import { cleanNetwork, trainedOn, withWeightsOf, type AttackEpoch } from './network.ts';
import { triggered, type Poisoned } from './poison.ts';

export interface PruningAwareSettings extends AttackSettings, Options<PruningAwareOptions> {
  /** A network trained on clean data, to start from; trained first without it. */
  readonly clean?: Model | undefined;
  /** The site to prune; the task's by default. */
  readonly site?: string | undefined;
  readonly onStage?: ((stage: string) => void) | undefined;
}

/** One retraining: how many units were pruned, and what came of it on the attacker's held data. */
export interface Try {
  readonly pruned: number;
  readonly evaluation: Evaluation;
  readonly epochs: readonly AttackEpoch[];
}

export interface PruningAwareAttack extends Attack {
  /** The network that it started from. */
  readonly clean: Model;
  readonly site: Site;
  /** Mean activation of each unit of the clean network on the attacker's clean data. */
  readonly profile: Float64Array;
  readonly decoys: readonly Decoy[];
  readonly lower: Lowering;
  /** Every retraining, the last of which is the network's. */
  readonly tries: readonly Try[];
  /** Whether the last reached what was asked. */
  readonly met: boolean;
  /** The largest difference of outputs with decoys and without, on held data, clean and triggered. */
  readonly difference: number;
}

/** Share of the attacker's data that measures what a retraining came to. */
const HELD = 0.1;

/** What is attacked: how it is opened, poisoned and trained. */
export interface Victim {
  open(model: Model, dataset: Dataset): Promise<Network>;
  poison(dataset: Dataset): Poisoned & Pick<Attack, 'target' | 'poisonRate'>;
  triggered(dataset: Dataset): Dataset;
  /** Trains a graph that was made from the one opened. */
  train(
    graph: Graph,
    opened: Network,
    dataset: Dataset,
    masks: Pruned['masks'],
  ): Promise<{ readonly graph: Graph; readonly epochs: readonly AttackEpoch[] }>;
}

/**
 * The pruning-aware attack (Fine-Pruning, section 2.4): (1) train on clean data; (2) prune a share of
 * the units that are least active on it, by whatever they are ranked by in such networks; (3) train what is left on poisoned data, giving one unit back
 * and starting again where accuracy or attack success falls short; (4) put the pruned units back with
 * their old weights and shifts so low that they stay dormant. The pruning defense then removes these
 * first.
 *
 * Where the budget ends before what was asked is reached, the last try is returned, and `met` is false.
 *
 * @throws AttackError where the site's units have no shift, or cannot be made dormant by one; PoisonError,
 *   TriggerError where the data cannot be poisoned; DefenseError where the network or site does not fit
 */
export async function pruningAwareAttack(
  runtime: Runtime,
  task: Task,
  data: Pick<TaskData, 'train'>,
  settings: PruningAwareSettings,
): Promise<PruningAwareAttack> {
  const options = { ...settings, ...withDefaults(optionsOf(task), settings) };
  const { trigger = task.trigger, site = task.site } = settings;
  settings.onStage?.('train on clean data');
  const model = settings.clean ?? (await cleanNetwork(runtime, task, data.train, settings));
  return afterClean(
    runtime,
    {
      open: (model, dataset) => openClassifier(runtime, model, dataset),
      poison: (dataset) => poisonFor(task, dataset, settings),
      triggered: (dataset) => triggered(dataset, trigger),
      train: (graph, opened, dataset, masks) =>
        trainedOn(runtime, graph, opened, dataset, options.training ?? task.training, {
          ...settings,
          masks,
        }),
    },
    data.train,
    { ...options, clean: model, site },
  );
}

/** What is asked of an attack whose clean network is there already. */
export interface AfterCleanSettings
  extends
    Omit<PruningAwareOptions, 'training'>,
    Pick<PruningAwareSettings, 'seed' | 'signal' | 'site' | 'onStage'> {
  readonly clean: Model;
}

/** Steps 2 to 4 of the pruning-aware attack, on whatever a network is for. */
export async function afterClean(
  runtime: Runtime,
  victim: Victim,
  train: Dataset,
  settings: AfterCleanSettings,
): Promise<PruningAwareAttack> {
  const { seed, signal, clean: model } = settings;
  const aborting = signal ? { signal } : {};
  const clean = await victim.open(model, train);
  const sites = sitesOf(clean.traced, clean.scores);
  const { site: named } = settings;
  const site = named === undefined ? lastSite(clean.traced, sites) : siteNamed(sites, named);
  const levers = leversOf(clean, site);
  const first = pruneFirst(site, settings);

  const parts = splitIndices(train.labels, { own: 1 - HELD, held: HELD }, seed);
  const own = subset(train, parts.own, `${train.name}/own`);
  const held = subset(train, parts.held, `${train.name}/held`);
  const { dataset, poisoned, ...record } = victim.poison(own);
  const test = {
    clean: held,
    triggered: { dataset: victim.triggered(held), target: record.target },
  };
  const { units: statistics } = await profileOf(
    runtime,
    clean.graph,
    clean.input,
    site,
    own,
    aborting,
  );
  // As whoever defends such a network will rank them.
  const order = ascending(statistics[clean.rank], statistics.mean);

  const tries: Try[] = [];
  let last: Retrained | undefined;
  for (
    let pruned = first;
    pruned > 0 && tries.length < settings.budget && !last?.met;
    pruned -= 1
  ) {
    settings.onStage?.(`retrain without ${pruned} of ${site.units} units`);
    last = await retrained(pruned);
  }
  if (!last) throw new AttackError('attack/settings', 'a budget of no retraining at all');

  const units = [...order.slice(0, last.pruned), ...(await died(last))];
  const { graph, decoys } = await withDecoys(
    runtime,
    { clean, retrained: last.bare, site },
    levers,
    units,
    {
      lower: settings.lower,
      margin: settings.margin,
      // All that the attacker has: a few dozen scenes show less than the few that are held.
      data: [train, victim.triggered(train)],
      ...aborting,
    },
  );
  return {
    model: withWeightsOf(model, graph),
    poisoned: poisoned.map((index) => parts.own[index] as number),
    ...record,
    epochs: (tries.at(-1) as Try).epochs,
    clean: model,
    site,
    profile: statistics.mean,
    decoys,
    lower: settings.lower,
    tries,
    met: last.met,
    difference: await difference(
      runtime,
      clean,
      [last.graph, graph],
      [test.clean, test.triggered.dataset],
    ),
  };

  /** Units that were kept, but that retraining left dead: they hide nothing, and rank with the decoys. */
  async function died({ graph, pruned }: Retrained): Promise<number[]> {
    // Of few scenes, those held may have no object that is attacked.
    const shown = [held, test.triggered.dataset].filter(({ length }) => length > 0);
    const profiles = await Promise.all(
      shown.map((each) => activationProfile(runtime, graph, clean.input, site, each, signal)),
    );
    return order.slice(pruned).filter((unit) => profiles.every((means) => means[unit] === 0));
  }

  async function retrained(pruned: number): Promise<Retrained> {
    const start = applyMask(clean, site, order.slice(0, pruned));
    const { graph, epochs } = await victim.train(start.graph, clean, dataset, start.masks);
    const evaluation = await evaluated(runtime, clean, graph, test);
    tries.push({ pruned, evaluation, epochs });
    const weights = [...clean.graph.initializers.keys()].map(
      (name) => [name, graph.initializers.get(name)] as [string, never],
    );
    return {
      pruned,
      graph,
      bare: withParameters(clean.graph, new Map(weights)),
      met: reached(evaluation, settings.asked),
    };
  }
}

interface Retrained {
  readonly pruned: number;
  /** Without the pruned units. */
  readonly graph: Graph;
  /** Its weights in the clean network's architecture. */
  readonly bare: Graph;
  readonly met: boolean;
}

/** @throws AttackError where a task has no such attack */
export function optionsOf<T>({
  name,
  pruningAware,
}: {
  readonly name: string;
  readonly pruningAware?: T | undefined;
}): T {
  if (pruningAware) return pruningAware;
  throw new AttackError(
    'attack/settings',
    `The task "${name}" has no settings of a pruning-aware attack: give it some as "pruningAware"`,
  );
}

function pruneFirst({ name, units }: Site, { share }: Pick<PruningAwareOptions, 'share'>): number {
  const count = Math.round(share * units);
  if (count >= 1 && count < units) return count;
  throw new AttackError(
    'attack/settings',
    `A share of ${share} of the ${units} units of "${name}" is ${count}: at least one must be ` +
      'pruned, and one be left',
  );
}

async function evaluated(
  runtime: Runtime,
  classifier: Network,
  graph: Graph,
  test: TestData,
): Promise<Evaluation> {
  return judge(classifier, await predictTest(runtime, classifier, graph, test), test);
}

function reached({ acc, asr }: Evaluation, asked: PruningAwareOptions['asked']): boolean {
  return (acc.map ?? acc.rate) >= asked.acc && (asr?.rate ?? 0) >= asked.asr;
}
