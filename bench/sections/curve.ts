import type { Dataset } from '../../src/data/index.ts';
import { openClassifier } from '../../src/network/index.ts';
import { defaultSites, predictionsAlong, sitesOf } from '../../src/channels/index.ts';
import { nodeRuntime, type Runtime } from '../../src/runtime/index.ts';
import { predict } from '../../src/train/index.ts';
import { type Exchange, exchange } from '../exchange.ts';
import { type BenchNetwork, networks } from '../networks/index.ts';
import { watchOthers } from '../others.ts';
import { asks, type Context, type Row, type Section } from '../section.ts';
import { median } from '../statistics.ts';

export const CURVE = {
  images: 10_000,
  /** Images that PyTorch evaluates at each timed step. */
  timed: 2_000,
  /** Images that PyTorch evaluates at every step, to compare the predictions of both sides. */
  compared: 40,
  /** Batch size of PyTorch. */
  batch: 128,
};
const CURVES = ['digits', 'small', 'resnet18'];

interface CurveRow extends Row {
  readonly threads: number;
  readonly images: number;
  readonly units: number;
  /** Time of one evaluation of all images, and of the whole curve. */
  readonly evaluationMs: number;
  readonly curveMs: number;
  /** Cost of the curve, in evaluations of the network. */
  readonly evaluations: number;
  /** PyTorch's loop over all steps and images, extrapolated from one step with some images. */
  readonly torchMs?: number | undefined;
  readonly ratio?: number | undefined;
  /** Number of predictions that differ between both sides. */
  readonly differ?: readonly [number, number] | undefined;
  readonly others: number;
}

/**
 * The whole pruning curve of the last site, unit by unit, against a loop in PyTorch that masks a unit
 * and evaluates the network again.
 */
export const curve: Section<CurveRow> = {
  name: 'curve',
  async run(context) {
    const rows: CurveRow[] = [];
    for (const network of networks.filter(({ name }) => CURVES.includes(name))) {
      if (!asks(context, network.name)) continue;
      for (const threads of context.threads) {
        const row = await measure(context, network, threads);
        rows.push(row);
        context.print(line(row));
      }
    }
    return rows;
  },
  summary: () => ({
    note: `PyTorch's time is that of single steps of ${CURVE.timed} images, times ${CURVE.images / CURVE.timed}, times the number of steps; the classes of ${CURVE.compared} images are compared at every step`,
  }),
};

/** A classifier, its last site, and an order to prune it in. */
export async function prepared(runtime: Runtime, network: BenchNetwork, images: number) {
  const model = network.build();
  const shared = exchange(model, images, network.classes);
  const dataset = shared.dataset(0, images);
  const classifier = await openClassifier(runtime, model, dataset);
  const site = defaultSites(
    classifier.traced,
    sitesOf(classifier.traced, classifier.scores),
    classifier.scores,
  ).sites[0];
  // Any order, except the order of the indices.
  const order = Array.from({ length: site.units }, (_, unit) => (unit * 7) % site.units);
  const along = async (dataset: Dataset) => {
    const points: Int32Array[] = [];
    for await (const { answers } of predictionsAlong(runtime, classifier, site, dataset, order)) {
      points.push(answers.called);
    }
    return points;
  };
  return { shared, dataset, classifier, order, along };
}

async function measure(
  { torch, runs }: Context,
  network: BenchNetwork,
  threads: number,
): Promise<CurveRow> {
  const runtime = await nodeRuntime({ threads });
  const { shared, dataset, classifier, order, along } = await prepared(
    runtime,
    network,
    CURVE.images,
  );
  const ask = (pictures: number, pruned: readonly number[]) =>
    torch?.run<{ ms: number[]; predicted: number[][] }>('curve', {
      network: network.name,
      threads,
      folder: shared.folder,
      batch: CURVE.batch,
      pictures,
      order,
      pruned,
    });
  const [evaluation, whole, step]: [number[], number[], number[]] = [[], [], []];
  try {
    const differ =
      torch && (await compare(shared, along, (pruned) => ask(CURVE.compared, pruned), order));
    const others = watchOthers(torch);
    for (let run = 0; run < runs; run += 1) {
      const started = performance.now();
      await predict(runtime, classifier.graph, dataset, {
        input: classifier.input,
        logits: classifier.scores,
      });
      const between = performance.now();
      await along(dataset);
      evaluation.push(between - started);
      whole.push(performance.now() - between);
      // Not the first step: PyTorch's first run is slower.
      step.push(
        ((await ask(CURVE.timed, [0, 1 + run]))?.ms[1] ?? 0) * (CURVE.images / CURVE.timed),
      );
    }
    const [evaluationMs, curveMs] = [median(evaluation), median(whole)];
    const torchMs = median(step) * (order.length + 1);
    return {
      network: network.name,
      threads,
      images: CURVE.images,
      units: order.length,
      evaluationMs,
      curveMs,
      evaluations: curveMs / evaluationMs,
      ...(torch && { torchMs, ratio: curveMs / torchMs }),
      differ,
      others: others(),
    };
  } finally {
    shared.remove();
  }
}

/** The number of predictions that differ between both sides, over all steps of the curve. */
async function compare(
  shared: Exchange,
  along: (dataset: Dataset) => Promise<Int32Array[]>,
  torch: (pruned: readonly number[]) => Promise<{ predicted: number[][] }> | undefined,
  order: readonly number[],
): Promise<[number, number]> {
  const ours = await along(shared.dataset(0, CURVE.compared));
  const theirs = (await torch([...order.keys(), order.length]))?.predicted ?? [];
  const differ = ours.flatMap((point, step) =>
    [...point].filter((found, i) => found !== theirs[step]?.[i]),
  );
  return [differ.length, ours.length * CURVE.compared];
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);

function line(row: CurveRow): string {
  const { network, threads, units, curveMs, evaluations, torchMs, ratio, differ, others } = row;
  const ours = `  ${network}, ${threads} thread(s): ${units} units in ${seconds(curveMs)} s, ${evaluations.toFixed(2)} evaluations`;
  return torchMs === undefined || ratio === undefined
    ? ours
    : `${ours}; PyTorch ${seconds(torchMs)} s (from single steps), 1/${(1 / ratio).toFixed(0)} of it; ${differ?.[0]} of ${differ?.[1]} classes differ; others ${others.toFixed(2)}`;
}
