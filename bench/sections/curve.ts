import { arrayDataset, random } from '../../src/data/index.ts';
import { classifierOf, lastSite, predictionsAlong, sitesOf } from '../../src/defense/index.ts';
import { digitNetwork, smallNetwork } from '../../src/lab/index.ts';
import { sizeOf } from '../../src/onnx/index.ts';
import { nodeRuntime } from '../../src/runtime/index.ts';
import { predict } from '../../src/train/index.ts';
import { asks, type Row, type Section } from '../section.ts';
import { median } from '../statistics.ts';

const IMAGES = 10_000;
interface CurveRow extends Row {
  readonly units: number;
  readonly evaluationMs: number;
  readonly curveMs: number;
  readonly ratio: number;
}

const networks = { digits: digitNetwork, small: smallNetwork };

/** What the whole pruning curve of the last site costs, in full evaluations of the network. */
export const curve: Section<CurveRow> = {
  name: 'curve',
  async run(context) {
    const { threads, runs, print } = context;
    const rows: CurveRow[] = [];
    for (const [name, network] of Object.entries(networks)) {
      if (!asks(context, name)) continue;
      for (const count of threads) {
        const row = await measure(name, network, count, Math.min(runs, 7));
        rows.push(row);
        print(
          `  ${name}, ${count} thread(s): ${row.units} units over ${IMAGES} images cost ${row.ratio.toFixed(2)} evaluations (${row.curveMs.toFixed(0)} ms / ${row.evaluationMs.toFixed(0)} ms)`,
        );
      }
    }
    return rows;
  },
};

async function measure(name: string, network: typeof digitNetwork, threads: number, runs: number) {
  const runtime = await nodeRuntime({ threads });
  const model = network(0);
  const sample = (model.graph.inputs[0]?.dims ?? []).slice(1).map(Number);
  const draw = random(0, 'bench');
  const dataset = arrayDataset({
    name: 'noise',
    classes: Array.from({ length: 10 }, (_, label) => String(label)),
    sample,
    labels: new Int32Array(IMAGES),
    data: Uint8Array.from({ length: IMAGES * sizeOf(sample) }, () => draw.integer(256)),
    divisor: 255,
  });
  const classifier = await classifierOf(runtime, model, dataset);
  const site = lastSite(classifier.traced, sitesOf(classifier.traced, classifier.scores));
  const order = Array.from({ length: site.units }, (_, unit) => unit);
  const evaluation: number[] = [];
  const whole: number[] = [];
  for (let run = -1; run < runs; run += 1) {
    const io = { input: classifier.input, logits: classifier.scores };
    const started = performance.now();
    await predict(runtime, classifier.graph, dataset, io);
    const between = performance.now();
    for await (const point of predictionsAlong(runtime, classifier, site, dataset, order))
      void point;
    if (run < 0) continue;
    evaluation.push(between - started);
    whole.push(performance.now() - between);
  }
  const ratios = whole.map((time, run) => time / (evaluation[run] as number));
  return {
    network: name,
    threads,
    units: site.units,
    evaluationMs: median(evaluation),
    curveMs: median(whole),
    ratio: median(ratios),
  };
}
