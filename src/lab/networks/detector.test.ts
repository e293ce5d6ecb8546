import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { appendGradients } from '../../autodiff/index.ts';
import { blocks } from '../../../test/helpers/data.ts';
import type { Box, SceneObject } from '../../data/index.ts';
import {
  matchAnchors,
  anchorsOf,
  appendLosses,
  cutAtRegions,
  detect,
  detectionsIn,
  selectDetections,
  detectorOf,
  OUTPUTS,
  selectProposals,
  proposalTargets,
  regionTargets,
  specOf,
  targetFeeds,
  trainDetector,
  VALUES,
  type DetectorSpec,
  parametersOf,
} from '../../network/index.ts';
import { Builder, modelOf, OPSET, subgraph } from '../../graph/index.ts';
import {
  decodeModel,
  encodeModel,
  float32,
  int64,
  type Graph,
  type Tensor,
  type TensorOf,
} from '../../onnx/index.ts';
import { evaluateDetections } from '../../metrics/index.ts';
import { trace } from '../../runtime/index.ts';
import { openSession, oneCycle, withParameters } from '../../train/index.ts';
import { appendHeads, detectorNetwork } from './detector.ts';
import { network } from './layers.ts';

interface Values {
  readonly dims: number[];
  readonly data: number[];
}

interface Golden {
  readonly spec: DetectorSpec;
  readonly width: number;
  readonly hidden: number;
  readonly features: Values;
  readonly objects: readonly { readonly boxes: number[][]; readonly labels: number[] }[];
  readonly anchors: number[][];
  readonly matches: number[][];
  readonly positive: number[][];
  readonly negative: number[][];
  readonly regions: Values;
  readonly images: number[];
  readonly labels: number[];
  readonly goals: number[][];
  readonly weights: Record<string, Values>;
  readonly losses: Record<'objectness' | 'anchorDeltas' | 'classes' | 'regionDeltas', number>;
  readonly gradients: Record<string, Values>;
  readonly proposals: number[][];
  readonly detections: {
    readonly boxes: number[][];
    readonly scores: number[];
    readonly labels: number[];
  };
}

const golden = JSON.parse(
  readFileSync(new URL('../../../test/golden/data/detector.json', import.meta.url), 'utf8'),
) as Golden;

const { spec } = golden;
const boxOf = ([left = 0, top = 0, right = 0, bottom = 0]: readonly number[]): Box => ({
  left,
  top,
  right,
  bottom,
});
const numbersOf = ({ left, top, right, bottom }: Box) => [left, top, right, bottom];
const scenes: SceneObject[][] = golden.objects.map(({ boxes, labels }) =>
  boxes.map((box, index) => ({ box: boxOf(box), label: labels[index] as number })),
);

function expectClose(got: ArrayLike<number>, expected: readonly number[], within = 1e-5) {
  expect(got.length).toBe(expected.length);
  const scale = Math.max(1e-6, ...expected.map(Math.abs));
  const apart = expected.map((value, at) => Math.abs(value - (got[at] as number)) / scale);
  expect(Math.max(...apart)).toBeLessThan(within);
}

describe('the heads, with torchvision’s weights', () => {
  let whole: Graph;
  beforeAll(() => {
    const net = network(0);
    const x = net.b.input('features', 'float32', golden.features.dims);
    appendHeads(net, x, golden.width, spec, { hidden: golden.hidden });
    const graph = net.b.build([]);
    const initializers = new Map(graph.initializers);
    for (const [name, { dims, data }] of Object.entries(golden.weights)) {
      expect(initializers.get(name)?.dims).toEqual(dims);
      initializers.set(name, float32(dims, data));
    }
    whole = { ...graph, initializers };
  });

  test('anchors have the same positions, and match the same objects', () => {
    const anchors = anchorsOf(spec);
    expect(anchors.map(numbersOf)).toEqual(golden.anchors);
    for (const [image, objects] of scenes.entries()) {
      expect([...matchAnchors(anchors, objects)]).toEqual(golden.matches[image]);
    }
  });

  test('the four losses, and the gradient of their sum', async () => {
    const runtime = await testRuntime();
    const anchors = anchorsOf(spec);
    const chosen = scenes.map((objects, image) => ({
      matches: matchAnchors(anchors, objects),
      positive: golden.positive[image] as number[],
      negative: golden.negative[image] as number[],
    }));
    const each = golden.images.length / 2;
    const rows = golden.images.map((_, row) => {
      const label = (golden.labels[row] as number) - 1;
      return {
        box: boxOf(golden.regions.data.slice(4 * row, 4 * row + 4)),
        ...(label >= 0 && { object: { box: boxOf(golden.goals[row] as number[]), label } }),
      };
    });
    const regions = regionTargets([rows.slice(0, each), rows.slice(each)], each);
    expect(regions.labels).toEqual(golden.labels);

    const b = new Builder(whole);
    const sizes = { images: 2, anchors: anchors.length, regions: 6, classes: spec.classes.length };
    const losses = appendLosses(b, sizes);
    const outputs = Object.values(losses).map((name) => ({ name }));
    const cut = subgraph(
      b.build(outputs),
      [
        { name: VALUES.regions, type: 'float32', dims: [6, 4] },
        { name: VALUES.images, type: 'int64', dims: [6] },
      ],
      outputs,
    );
    const feeds: Record<string, Tensor> = {
      features: float32(golden.features.dims, golden.features.data),
      [VALUES.regions]: float32([6, 4], regions.regions),
      [VALUES.images]: int64([6], regions.images),
      ...targetFeeds(proposalTargets(anchors, scenes, chosen), regions, 2),
    };
    const parameters = Object.keys(golden.weights);
    const traced = await trace(runtime, cut, OPSET, feeds, parameters);
    const back = new Builder(traced.graph);
    const gradients = appendGradients(back, traced, losses.loss, [...parameters, 'features']);
    const all = [...Object.values(losses), ...gradients.values()].map((name) => ({ name }));
    const session = await runtime.open(modelOf(subgraph(back.build(all), [], all)));
    const results = (await session.run(
      Object.fromEntries(session.inputs.map((name) => [name, feeds[name] as Tensor])),
    )) as Record<string, TensorOf<'float32'>>;
    await session.dispose();
    for (const [name, value] of Object.entries(golden.losses)) {
      expect(results[losses[name as keyof typeof losses]]?.data[0]).toBeCloseTo(value, 5);
    }
    for (const [name, { data }] of Object.entries(golden.gradients)) {
      expectClose(results[gradients.get(name) as string]?.data ?? [], data);
    }
  });

  test('proposals and detections of an image, in the graph and in TypeScript', async () => {
    const runtime = await testRuntime();
    const wanted = [
      ...OUTPUTS,
      VALUES.objectness,
      VALUES.anchorDeltas,
      VALUES.regions,
      VALUES.logits,
      VALUES.regionDeltas,
    ];
    const one = {
      ...whole,
      inputs: whole.inputs.map((input) => ({
        ...input,
        dims: [1, ...golden.features.dims.slice(1)],
      })),
    };
    const session = await openSession(runtime, one, { input: 'features', outputs: wanted });
    const { dims, data } = golden.features;
    const results = (await session.run({
      features: float32([1, ...dims.slice(1)], data.slice(0, data.length / 2)),
    })) as Record<string, TensorOf<'float32'>>;
    await session.dispose();
    const of = (name: string) => results[name]?.data as Float32Array;

    const proposals = selectProposals(
      of(VALUES.objectness),
      of(VALUES.anchorDeltas),
      anchorsOf(spec),
      spec,
      spec.proposals,
    );
    expectClose(proposals.flatMap(numbersOf), golden.proposals.flat());
    expectClose(of(VALUES.regions), golden.proposals.flat());
    const detections = selectDetections(
      proposals,
      of(VALUES.logits),
      of(VALUES.regionDeltas),
      spec,
    );
    for (const found of [detections, detectionsIn(results)]) {
      expect(found.map(({ label }) => label)).toEqual(golden.detections.labels);
      expectClose(
        found.map(({ score }) => score),
        golden.detections.scores,
      );
      expectClose(
        found.flatMap(({ box }) => numbersOf(box)),
        golden.detections.boxes.flat(),
      );
    }
  });
});

describe('a detector', () => {
  const size = [48, 48] as const;
  const small: DetectorSpec = { ...specOf(['red', 'blue'], size), anchors: [12, 20] };
  const model = detectorNetwork(1, small, 16);
  const detector = detectorOf(model);
  const scenes = blocks(24, size, 2);
  const cut = cutAtRegions(detector);
  const parameters = [...new Set(cut.outputs.flatMap(({ name }) => parametersOf(cut, name)))];
  const training = {
    parameters,
    mode: 'training',
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
    batchSize: 4,
    epochs: 12,
    schedule: oneCycle(0.05),
    seed: 0,
  } as const;

  test(
    'learns to find blocks, and its file finds what the graphs it was trained in find',
    { timeout: 120_000 },
    async () => {
      const runtime = await testRuntime();
      const losses: number[] = [];
      const weights = await trainDetector(runtime, detector, scenes, {
        ...training,
        onEpoch: ({ losses: { loss } }) => {
          losses.push(loss);
          return 'continue';
        },
      });
      expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
      const graph = withParameters(detector.graph, weights);
      const bytes = encodeModel({
        ...model,
        graph: { ...model.graph, initializers: graph.initializers },
      });
      const reread = detectorOf(decodeModel(bytes));
      expect(reread.spec).toEqual(small);
      const found = await detect(runtime, reread.graph, scenes);
      const judged = evaluateDetections(
        found.map((detections, index) => ({ detections, objects: scenes.objects?.[index] ?? [] })),
        4,
      );
      expect(judged.map).toBeGreaterThan(0.25);

      // By the graphs of training, of all scenes at once, with what is discrete in TypeScript.
      const two = [0, 1, 2, 3];
      const x = new Float32Array(two.length * 3 * 48 * 48);
      await scenes.read(two, x);
      const trained = withParameters(cut, weights);
      const run = async (outputs: readonly string[], feeds: Record<string, Tensor>) => {
        const session = await openSession(runtime, trained, { input: VALUES.image, outputs });
        const results = await session.run(feeds);
        await session.dispose();
        return results as Record<string, TensorOf<'float32'>>;
      };
      const image = float32([two.length, 3, 48, 48], x);
      const rpn = await run([VALUES.objectness, VALUES.anchorDeltas], { [VALUES.image]: image });
      const anchors = anchorsOf(small);
      const rowOf = (tensor: TensorOf<'float32'> | undefined, row: number) => {
        const data = tensor?.data ?? new Float32Array();
        return data.subarray(
          (row * data.length) / two.length,
          ((row + 1) * data.length) / two.length,
        );
      };
      const proposals = two.map((row) =>
        selectProposals(
          rowOf(rpn[VALUES.objectness], row),
          rowOf(rpn[VALUES.anchorDeltas], row),
          anchors,
          small,
          small.proposals,
        ),
      );
      const count = proposals.flat().length;
      const heads = await run([VALUES.logits, VALUES.regionDeltas], {
        [VALUES.image]: image,
        [VALUES.regions]: float32([count, 4], proposals.flat().flatMap(numbersOf)),
        [VALUES.images]: int64(
          [count],
          proposals.flatMap((own, row) => own.map(() => row)),
        ),
      });
      let start = 0;
      for (const [row, own] of proposals.entries()) {
        const part = (name: string, width: number) =>
          (heads[name] as TensorOf<'float32'>).data.subarray(
            start * width,
            (start + own.length) * width,
          );
        const made = selectDetections(
          own,
          part(VALUES.logits, 3),
          part(VALUES.regionDeltas, 4),
          small,
        );
        start += own.length;
        const file = found[row] ?? [];
        expect(made.length).toBeGreaterThan(0);
        expect(made.map(({ label }) => label)).toEqual(file.map(({ label }) => label));
        expectClose(
          made.map(({ score }) => score),
          file.map(({ score }) => score),
          1e-4,
        );
        expectClose(
          made.flatMap(({ box }) => numbersOf(box)),
          file.flatMap(({ box }) => numbersOf(box)),
          1e-4,
        );
      }
    },
  );

  test('detects nothing in a picture where all scores are low', async () => {
    const runtime = await testRuntime();
    const unsure = detectorNetwork(
      1,
      { ...small, detections: { ...small.detections, score: 0.999 } },
      16,
    );
    expect(await detect(runtime, detectorOf(unsure).graph, blocks(1, size, 0))).toEqual([[]]);
  });

  test('gives the same weights twice, and refuses scenes of another size', async () => {
    const runtime = await testRuntime();
    const some = blocks(9, size, 5);
    const augment = { flippable: [0], scale: [0.9, 1.2], jitter: 0.1, mosaic: 0.2 } as const;
    const once = () => trainDetector(runtime, detector, some, { ...training, augment, epochs: 1 });
    expect(await once()).toEqual(await once());
    const other = blocks(2, [32, 48], 0);
    await expect(trainDetector(runtime, detector, other, training)).rejects.toThrow(
      /takes scenes of \[3, 48, 48\]/,
    );
  });

  test('is refused without its specification', () => {
    expect(() => detectorOf({ ...model, metadata: new Map() })).toThrow(
      /not a detector that fineprune trained/,
    );
  });
});
