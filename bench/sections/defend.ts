import { repair, type TuningStep } from '../../src/defense/index.ts';
import { nodeRuntime } from '../../src/runtime/index.ts';
import { type Exchange, exchange } from '../exchange.ts';
import { type BenchNetwork, networks } from '../networks/index.ts';
import { watchOthers } from '../others.ts';
import { asks, type Context, type Row, type Section } from '../section.ts';
import type { Torch } from '../torch.ts';

/** Of the validation data, `defend` trains on 2,000 and chooses the epoch by 500. */
export const SIZES = { tune: 2000, holdout: 500, test: 2000 };
export const DEFEND = { epochs: 10, batch: 128, rate: 0.001 };
/** The part of its curve and fine-tuning that PyTorch runs; the times are extrapolated from it. */
const TIMED = { timedSteps: 3, timedEpochs: 2 };
const DEFENDED = ['resnet18'];

interface DefendRow extends Row {
  readonly what: 'rate given' | 'rate found';
  readonly threads: number;
  readonly oursMs: number;
  /** Time of each of our stages, as reported by progress. */
  readonly stages: Readonly<Record<string, number>>;
  readonly torch?: TorchTimes | undefined;
  /** Ratio to a PyTorch curve that evaluates the whole network, and to one with a cached prefix. */
  readonly ratio?: number | undefined;
  readonly ratioToCached?: number | undefined;
  readonly others: number;
}

type TorchTimes = Readonly<
  Record<'profile' | 'curve' | 'cachedCurve' | 'fineTune' | 'evaluate' | 'evaluateAfter', number>
>;

/**
 * `defend` end to end: profile, whole curve, ten epochs of fine-tuning, evaluation before and after.
 * Our side also computes the curve of the test data and the gradients of each unit.
 */
export const defend: Section<DefendRow> = {
  name: 'defend',
  async run(context) {
    const rows: DefendRow[] = [];
    for (const network of networks.filter(({ name }) => DEFENDED.includes(name))) {
      if (!asks(context, network.name)) continue;
      for (const threads of context.threads) {
        for (const row of await measure(context, network, threads)) {
          rows.push(row);
          context.print(line(row));
        }
      }
    }
    return rows;
  },
  summary: () => ({
    note: `One run of each; PyTorch's curve is timed on ${TIMED.timedSteps} steps and its fine-tuning on ${TIMED.timedEpochs} epochs, and multiplied`,
    ...SIZES,
    ...DEFEND,
  }),
};

async function measure(
  { torch }: Context,
  network: BenchNetwork,
  threads: number,
): Promise<DefendRow[]> {
  const shared = exchange(
    network.build(),
    SIZES.tune + SIZES.holdout + SIZES.test,
    network.classes,
  );
  try {
    const theirs = torch && (await inTorch(torch, network, shared, threads));
    const rows: DefendRow[] = [];
    for (const [what, rate] of [
      ['rate given', DEFEND.rate],
      ['rate found', 'auto'],
    ] as const) {
      const others = watchOthers();
      const { ms: oursMs, stages } = await ours(network, shared, threads, rate);
      const row = { network: network.name, what, threads, oursMs, stages, others: others() };
      rows.push(theirs ? { ...row, torch: theirs, ...ratios(oursMs, theirs) } : row);
    }
    return rows;
  } finally {
    shared.remove();
  }
}

/** Runs our side, and records the time of the last progress of each stage. */
export async function ours(
  network: BenchNetwork,
  shared: Exchange,
  threads: number,
  rate: number | 'auto',
) {
  const runtime = await nodeRuntime({ threads });
  const model = network.build();
  const validation = shared.dataset(0, SIZES.tune + SIZES.holdout);
  const whole = SIZES.tune + SIZES.holdout + SIZES.test;
  const test = { clean: shared.dataset(whole - SIZES.test, whole) };
  const stages: Record<string, number> = {};
  const started = performance.now();
  const { outcomes, clean } = await repair(runtime, model, validation, {
    test,
    maxDrop: 1,
    share: 0.5,
    fullCurve: true,
    epochs: DEFEND.epochs,
    batchSize: DEFEND.batch,
    rate,
    onProgress: (stage) => (stages[stage] = Math.round(performance.now() - started)),
  });
  const ms = performance.now() - started;
  const tuning = outcomes.at(-1)?.steps.find(({ kind }) => kind === 'tuning');
  const epochs = (tuning?.data as TuningStep['data'] | undefined)?.runs[0]?.epochs.length;
  if (epochs !== DEFEND.epochs || clean.train.length !== SIZES.tune) {
    throw new Error(
      `${epochs} epochs of ${clean.train.length} images: not what was to be measured`,
    );
  }
  return { ms, stages };
}

async function inTorch(
  torch: Torch,
  { name }: BenchNetwork,
  { folder }: Exchange,
  threads: number,
): Promise<TorchTimes> {
  const { times } = await torch.run<{ times: TorchTimes }>('defend', {
    network: name,
    folder,
    threads,
    ...DEFEND,
    ...SIZES,
    ...TIMED,
  });
  return times;
}

function ratios(ms: number, times: TorchTimes) {
  const { curve, cachedCurve, ...rest } = times;
  const sum = Object.values(rest).reduce((a, b) => a + b, 0);
  return { ratio: ms / (sum + curve), ratioToCached: ms / (sum + cachedCurve) };
}

function line({ network, what, threads, oursMs, ratio, ratioToCached, others }: DefendRow): string {
  const ours = `  ${network}, ${threads} thread(s), ${what}: ${(oursMs / 1000).toFixed(1)} s`;
  return ratio === undefined || ratioToCached === undefined
    ? ours
    : `${ours}, ${ratio.toFixed(3)} of PyTorch with masks, ${ratioToCached.toFixed(2)} of PyTorch with a cached prefix; others ${others.toFixed(2)}`;
}
