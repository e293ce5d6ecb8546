import type { Runtime } from '../../runtime/index.ts';
import type { Attack } from '../attacks/attack.ts';
import { cleanNetwork } from '../attacks/baseline.ts';
import { ATTACKS, NO_ATTACK } from '../attacks/index.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import { withAttack, type TrainedNetwork } from './results.ts';

export interface TrainingOptions {
  readonly seed: number;
  /** Names of the networks to train, `NO_ATTACK` for the clean one. */
  readonly attacks: readonly string[];
  /** Attacks to choose from, `ATTACKS` by default: add attacks of your own to them. */
  readonly table?: typeof ATTACKS | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, all: number) => void) | undefined;
  /** Called with every network as soon as it is trained. */
  readonly onTrained?: ((network: TrainedNetwork) => Promise<void>) | undefined;
  /** Networks that were trained before, with the same seed and data: they are not trained again. */
  readonly trained?: readonly TrainedNetwork[] | undefined;
}

/** The clean network's name, and those of all attacks that a task has settings for. */
export async function attacksOn(task: Task, table = ATTACKS): Promise<string[]> {
  const attacks = await Promise.all(Object.values(table).map((load) => load()));
  return [NO_ATTACK, ...attacks.filter((each) => each.fits(task)).map(({ name }) => name)];
}

/** Whether some of the networks are the clean one, or start from it. */
export async function needsClean(
  task: Task,
  names: readonly string[],
  table = ATTACKS,
): Promise<boolean> {
  if (names.includes(NO_ATTACK)) return true;
  const attacks = await Promise.all(names.map((name) => attackNamed(name, table)));
  return attacks.some((attack) => attack.startsFromClean(task));
}

/**
 * Trains networks on clean and on poisoned data. A network is the same whichever others are trained.
 *
 * @returns the networks asked for, in the order of the table; and the clean one where some start from it
 * @throws AttackError where the task has no settings for an attack
 */
export async function trainNetworks(
  runtime: Runtime,
  task: Task,
  data: TaskData,
  options: TrainingOptions,
): Promise<{
  readonly networks: readonly TrainedNetwork[];
  readonly clean: TrainedNetwork | undefined;
}> {
  const { seed, signal, attacks: names, table = ATTACKS } = options;
  const progress = (network: string) => (stage: string, done: number, all: number) =>
    options.onProgress?.(`${network}: ${stage}`, done, all);
  const trained = async (
    attack: string,
    train: () => Promise<Omit<TrainedNetwork, 'attack'>>,
  ): Promise<TrainedNetwork> => {
    const before = options.trained?.find((network) => network.attack === attack);
    if (before) return before;
    const network = { attack, ...(await train()) };
    await options.onTrained?.(network);
    return network;
  };

  const clean = (await needsClean(task, names, table))
    ? await trained(NO_ATTACK, () =>
        timed(async () => {
          const said = progress('clean network');
          const onProgress = (done: number, all: number) => said('train', done, all);
          return {
            model: await cleanNetwork(runtime, task, data.train, { seed, signal, onProgress }),
          };
        }),
      )
    : undefined;
  const networks = clean && names.includes(NO_ATTACK) ? [clean] : [];
  for (const name of Object.keys(table).filter((each) => names.includes(each))) {
    const attack = await attackNamed(name, table);
    const start = attack.startsFromClean(task) ? clean : undefined;
    networks.push(
      await trained(name, async () => {
        const { seconds, ...network } = await timed(async () => {
          const { retrainings, ...attacked } = await attack.run({
            runtime,
            task,
            data,
            seed,
            clean: start?.model,
            signal,
            progress: progress(`${name} attack`),
          });
          return {
            ...attacked,
            retrainings: retrainings?.map(({ pruned, evaluation }) => {
              const { acc, asr } = withAttack(evaluation);
              return { pruned, acc, asr };
            }),
          };
        });
        return { ...network, seconds: seconds + (start?.seconds ?? 0) };
      }),
    );
  }
  return { networks, clean };
}

async function attackNamed(name: string, table: typeof ATTACKS): Promise<Attack> {
  const load = table[name];
  if (!load) throw new Error(`there is no attack "${name}"`);
  return load();
}

async function timed<T extends object>(make: () => Promise<T>): Promise<T & { seconds: number }> {
  const started = performance.now();
  const made = await make();
  return { ...made, seconds: (performance.now() - started) / 1000 };
}
