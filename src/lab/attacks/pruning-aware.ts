import { type Options, withDefaults } from '../../options.ts';
import { splitIndices, subset } from '../../data/index.ts';
import {
  activationProfile,
  applyMask,
  ascending,
  defaultSites,
  profileOf,
  siteNamed,
  sitesOf,
  type Site,
} from '../../channels/index.ts';
import { judge, predictTest, type Network, type TestData } from '../../network/index.ts';
import type { Evaluation } from '../../metrics/index.ts';
import type { Graph, Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { withParameters } from '../../train/index.ts';
import type { PruningAwareOptions, Task, TaskData } from '../tasks/task.ts';
import type { Attack } from './attack.ts';
import { cleanNetwork, poisonFor, type AttackResult, type AttackSettings } from './baseline.ts';
import { difference, withDecoys, type Decoy, type Lowering } from './decoys.ts';
import { AttackError } from './error.ts';
import type { AttackEpoch } from './network-kind.ts';
import { unitParametersOf } from './unit-parameters.ts';
import { withWeightsOf } from './weights.ts';

export interface PruningAwareSettings extends AttackSettings, Options<PruningAwareOptions> {
  /** A network trained on clean data, to start from; without it, one is trained first. */
  readonly clean?: Model | undefined;
  /** The site to prune; by default that of the task. */
  readonly site?: string | undefined;
  readonly onStage?: ((stage: string) => void) | undefined;
}

/** One retraining. */
export interface Retraining {
  /** How many units were pruned. */
  readonly pruned: number;
  /** On the attacker's holdout. */
  readonly evaluation: Evaluation;
  readonly epochs: readonly AttackEpoch[];
}

export interface PruningAwareResult extends AttackResult {
  /** The network that the attack started from. */
  readonly clean: Model;
  readonly site: Site;
  /** Mean activation of each unit of the clean network on the attacker's clean data. */
  readonly profile: Float64Array;
  readonly decoys: readonly Decoy[];
  readonly lower: Lowering;
  /** Every retraining. The last one gave the network. */
  readonly retrainings: readonly Retraining[];
  /** Whether the last retraining reached what was asked. */
  readonly reached: boolean;
  /** The largest difference of outputs with decoys and without, on the holdout, clean and triggered. */
  readonly difference: number;
}

/** Share of the attacker's data on which retrainings are evaluated. */
const HOLDOUT = 0.1;

/**
 * The pruning-aware attack (Fine-Pruning, section 2.4):
 * 1. Train on clean data.
 * 2. Prune a share of the units of the site, those least active on clean data.
 * 3. Train the rest on poisoned data. Where accuracy or attack success falls short, give one unit back and
 *    start again.
 * 4. Put the pruned units back as decoys, with their old weights and shifts so low that they stay dormant.
 *
 * The pruning defense then removes the decoys first. Where the budget of retrainings ends before what was
 * asked is reached, the last network is returned, and `reached` is false.
 *
 * @throws AttackError where the units of the site have no shift, or a shift cannot make them dormant;
 *   PoisonError, TriggerError where the data cannot be poisoned; DefenseError where the network or site
 *   does not fit
 */
export async function pruningAwareAttack(
  runtime: Runtime,
  task: Task,
  { train }: Pick<TaskData, 'train'>,
  settings: PruningAwareSettings,
): Promise<PruningAwareResult> {
  const options = { ...settings, ...withDefaults(optionsOf(task), settings) };
  const { trigger = task.trigger, site: named = task.site, seed, signal, onStage } = settings;
  const { kind } = task;
  const training = options.training ?? task.poisoning ?? task.training;
  onStage?.('train on clean data');
  const model = settings.clean ?? (await cleanNetwork(runtime, task, train, settings));
  const clean = await kind.open(runtime, model, train);
  const sites = sitesOf(clean.traced, clean.scores);
  const site =
    named === undefined
      ? defaultSites(clean.traced, sites, clean.scores).sites[0]
      : siteNamed(sites, named);
  const parameters = unitParametersOf(clean, site);
  const first = firstPruned(site, options);

  const parts = splitIndices(train.labels, { own: 1 - HOLDOUT, holdout: HOLDOUT }, seed);
  const own = subset(train, parts.own, `${train.name}/own`);
  const holdout = subset(train, parts.holdout, `${train.name}/holdout`);
  const { dataset, poisoned, ...record } = poisonFor(task, own, settings);
  const { target } = record;
  const test = {
    clean: holdout,
    triggered: { dataset: kind.triggered(holdout, trigger, target), target },
  };
  const { units: statistics } = await profileOf(runtime, clean.graph, clean.input, site, own, {
    signal,
  });
  // By the statistic that a defender ranks such networks by.
  const order = ascending(statistics[clean.rank], statistics.mean);

  const retrainings: Retraining[] = [];
  let last: Retrained | undefined;
  for (
    let pruned = first;
    pruned > 0 && retrainings.length < options.budget && !last?.reached;
    pruned -= 1
  ) {
    onStage?.(`retrain without ${pruned} of ${site.units} units`);
    last = await retrained(pruned);
  }
  if (!last) throw new AttackError('attack/settings', 'The budget must be at least 1 retraining');

  const units = [...order.slice(0, last.pruned), ...(await died(last))];
  const networks = { clean, retrained: last.full, site };
  const { graph, decoys } = await withDecoys(runtime, networks, parameters, units, {
    lower: options.lower,
    margin: options.margin,
    // All of the attacker's data: a holdout of a few dozen scenes shows too little.
    data: [train, kind.triggered(train, trigger, target)],
    signal,
  });
  return {
    model: withWeightsOf(model, graph),
    poisoned: poisoned.map((index) => parts.own[index] as number),
    ...record,
    epochs: (retrainings.at(-1) as Retraining).epochs,
    clean: model,
    site,
    profile: statistics.mean,
    decoys,
    lower: options.lower,
    retrainings,
    reached: last.reached,
    difference: await difference(
      runtime,
      clean,
      [last.graph, graph],
      [test.clean, test.triggered.dataset],
    ),
  };

  async function retrained(pruned: number): Promise<Retrained> {
    const start = applyMask(clean, site, order.slice(0, pruned));
    const { graph, epochs } = await kind.trainGraph(
      runtime,
      { model, network: clean, graph: start.graph },
      dataset,
      training,
      { ...settings, masks: start.masks },
    );
    const evaluation = await evaluated(runtime, clean, graph, test);
    retrainings.push({ pruned, evaluation, epochs });
    const weights = [...clean.graph.initializers.keys()].map(
      (name) => [name, graph.initializers.get(name)] as [string, never],
    );
    return {
      pruned,
      graph,
      full: withParameters(clean.graph, new Map(weights)),
      reached: hasReached(evaluation, options.asked),
    };
  }

  /** Units that died in retraining: the defender ranks them with the decoys. */
  async function died({ graph, pruned }: Retrained): Promise<number[]> {
    // Of few scenes, the holdout may have no object that is attacked.
    const shown = [holdout, test.triggered.dataset].filter(({ length }) => length > 0);
    const profiles = await Promise.all(
      shown.map((each) => activationProfile(runtime, graph, clean.input, site, each, signal)),
    );
    return order.slice(pruned).filter((unit) => profiles.every((means) => means[unit] === 0));
  }
}

interface Retrained {
  readonly pruned: number;
  /** The graph without the pruned units. */
  readonly graph: Graph;
  /** Its weights in the architecture of the clean network. */
  readonly full: Graph;
  readonly reached: boolean;
}

function optionsOf({ name, pruningAware }: Task): PruningAwareOptions {
  if (pruningAware) return pruningAware;
  throw new AttackError(
    'attack/settings',
    `The task "${name}" has no settings for a pruning-aware attack: add them as "pruningAware"`,
  );
}

function firstPruned({ name, units }: Site, { share }: Pick<PruningAwareOptions, 'share'>): number {
  const count = Math.round(share * units);
  if (count >= 1 && count < units) return count;
  throw new AttackError(
    'attack/settings',
    `A share of ${share} of the ${units} units of "${name}" is ${count}: at least one unit must be ` +
      'pruned, and at least one kept',
  );
}

async function evaluated(
  runtime: Runtime,
  network: Network,
  graph: Graph,
  test: TestData,
): Promise<Evaluation> {
  return judge(network, await predictTest(runtime, network, graph, test), test);
}

function hasReached({ acc, asr }: Evaluation, asked: PruningAwareOptions['asked']): boolean {
  return (acc.map ?? acc.rate) >= asked.acc && (asr?.rate ?? 0) >= asked.asr;
}

export const pruningAware: Attack = {
  name: 'pruning-aware',
  description: 'hide the backdoor from pruning behind decoys',
  source: 'Liu, Dolan-Gavitt, Garg 2018 (Fine-Pruning), section 2.4',
  fits: (task) => task.pruningAware !== undefined,
  startsFromClean: () => true,
  async run({ runtime, task, data, seed, clean, signal, progress }) {
    let stage = '';
    const { model, decoys, retrainings, reached } = await pruningAwareAttack(runtime, task, data, {
      seed,
      clean,
      signal,
      onStage: (name) => (stage = name),
      onProgress: (done, all) => progress(stage, done, all),
    });
    return { model, decoys: decoys.map(({ unit }) => unit), retrainings, reached };
  },
};
