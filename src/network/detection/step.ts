import type { Random, Scene } from '../../data/index.ts';
import { Builder, modelOf, subgraph } from '../../graph/index.ts';
import {
  float32,
  int64,
  sizeOf,
  type Graph,
  type Tensor,
  type TensorOf,
  type ValueInfo,
} from '../../onnx/index.ts';
import type { Runtime, Session } from '../../runtime/index.ts';
import {
  toTrainingMode,
  splitGraph,
  type LossSettings,
  createUpdater,
  initialValues,
  traceForTraining,
  trainingGraph,
  zeros,
  type TracedLoss,
  type TrainingParameters,
  type UpdateSettings,
} from '../../train/index.ts';
import { anchorsOf } from './coding.ts';
import { cutAtRegions, type Detector } from './detector.ts';
import { appendLosses, type DetectionLosses } from './losses.ts';
import { selectProposals, nonEmptyBoxes } from './selection.ts';
import { VALUES, type Selection } from './spec.ts';
import {
  proposalTargets,
  regionTargets,
  sampleAnchors,
  sampleRegions,
  SAMPLING,
  targetFeeds,
  type Sampling,
} from './targets.ts';

/** The proposals of each image in training. */
const PROPOSALS: Selection = { before: 400, after: 200, overlap: 0.7 };

/** Label smoothing applies to the classes of regions. */
export interface DetectionStepSettings
  extends UpdateSettings, Pick<LossSettings, 'mode' | 'smoothing'> {
  readonly batchSize: number;
  readonly sampling?: Sampling | undefined;
}

/** The losses of a batch, before its update. */
export type Losses = Readonly<Record<keyof DetectionLosses, number>>;

/** A prepared training step of a detector. */
export interface DetectionStep extends TrainingParameters {
  /** @param draw - samples anchors and regions */
  run(scenes: readonly Scene[], rate: number, draw: Random): Promise<Losses>;
  dispose(): Promise<void>;
}

/** The graph with its losses, traced for differentiation. */
export async function traceDetectionLoss(
  runtime: Runtime,
  detector: Detector,
  settings: Omit<DetectionStepSettings, 'optimizer'>,
): Promise<TracedLoss & { readonly losses: DetectionLosses }> {
  const { spec } = detector;
  const { batchSize, parameters, sampling = SAMPLING, mode = 'as written' } = settings;
  const { graph, running } = toTrainingMode(cutAtRegions(detector), 0, mode);
  const b = new Builder(graph);
  const anchors = anchorsOf(spec).length;
  const regions = batchSize * sampling.regions;
  const losses = appendLosses(b, {
    images: batchSize,
    anchors,
    regions,
    classes: spec.classes.length,
    smoothing: settings.smoothing,
  });
  const statistics = running.map(([now]) => now);
  const values = [
    ...Object.values(losses),
    VALUES.objectness,
    VALUES.anchorDeltas,
    ...running.map(([, next]) => next),
  ];
  const outputs = values.map((name) => ({ name }));
  const whole = subgraph(b.build(outputs), [], outputs);
  const feeds = sampleFeeds(whole, batchSize, regions);
  const traced = await traceForTraining(runtime, whole, feeds, [...parameters, ...statistics]);
  return { traced, feeds, loss: losses.loss, losses, running };
}

/** Valid values for every input: labels of 0, weights above 0, and regions with an area. */
function sampleFeeds(graph: Graph, images: number, regions: number): Record<string, Tensor> {
  const dimsOf = ({ dims = [] }: ValueInfo) =>
    dims.map((dim) => (dim === 'N' ? images : dim === 'R' ? regions : (dim as number)));
  return Object.fromEntries(
    graph.inputs.map((input): [string, Tensor] => {
      const dims = dimsOf(input);
      const size = sizeOf(dims);
      if (input.type === 'int64') {
        return [input.name, int64(dims, Array<number>(size).fill(0))];
      }
      const value = (index: number) =>
        input.name === VALUES.regions ? [0, 0, 16, 16][index % 4] : 0.5;
      return [
        input.name,
        float32(
          dims,
          Array.from({ length: size }, (_, i) => value(i) as number),
        ),
      ];
    }),
  );
}

/**
 * Prepares a training step of a detector. A step has two phases: first the features and the proposal
 * network, then the losses and the backward pass. Between them, TypeScript selects the proposals and matches
 * them with objects. Both phases are parts of one graph, so nothing is computed twice.
 */
export async function detectionStep(
  runtime: Runtime,
  detector: Detector,
  settings: DetectionStepSettings,
): Promise<DetectionStep> {
  const { batchSize, sampling = SAMPLING } = settings;
  const { spec } = detector;
  const traced = await traceDetectionLoss(runtime, detector, settings);
  const { losses } = traced;
  const shown = Object.values(losses).filter((name) => name !== losses.loss);
  const updates = trainingGraph(
    traced,
    [...shown, VALUES.objectness, VALUES.anchorDeltas],
    settings,
  );
  const phases = splitGraph(updates.graph, [VALUES.objectness, VALUES.anchorDeltas]);
  const updater = createUpdater(initialValues(detector.graph, updates), updates, settings);
  const first = await runtime.open(modelOf(phases.first));
  const weights = Object.fromEntries(updater.parameters.parameters());
  const image = zeros([batchSize, 3, ...spec.size]);
  // Later runs write to the output buffers of this one.
  const buffers = await first.run(feedsOf(first, { ...weights, [VALUES.image]: image }));
  const second = await openSecond(runtime, phases.second, buffers);
  const scalars = Object.fromEntries(Object.values(losses).map((name) => [name, zeros([])]));
  const anchors = anchorsOf(spec);

  const targetsOf = (
    made: Readonly<Record<string, Tensor>>,
    objects: readonly Scene['objects'][],
    draw: Random,
  ): Record<string, Tensor> => {
    const proposals = objects.map((_, row) => {
      const part = (name: string, width: number) => {
        const { data } = made[name] as TensorOf<'float32'>;
        const each = anchors.length * width;
        return data.subarray(row * each, (row + 1) * each);
      };
      const [scores, deltas] = [part(VALUES.objectness, 1), part(VALUES.anchorDeltas, 4)];
      return nonEmptyBoxes(selectProposals(scores, deltas, anchors, spec, PROPOSALS));
    });
    const forAnchors = proposalTargets(
      anchors,
      objects,
      sampleAnchors(anchors, objects, sampling, draw),
    );
    const forRegions = regionTargets(
      sampleRegions(proposals, objects, sampling, draw),
      sampling.regions,
    );
    return {
      ...targetFeeds(forAnchors, forRegions, batchSize),
      [VALUES.regions]: float32([forRegions.images.length, 4], forRegions.regions),
      [VALUES.images]: int64([forRegions.images.length], forRegions.images),
    };
  };
  return {
    ...updater.parameters,
    async run(scenes, rate, draw) {
      const size = image.data.length / batchSize;
      for (const [row, scene] of scenes.entries()) image.data.set(scene.x, row * size);
      const objects = scenes.map((scene) => scene.objects);
      let chosen: Record<string, Tensor> | undefined;
      return updater.step(rate, async (now, next) => {
        const given = { ...now, [VALUES.image]: image };
        const made = await first.run(feedsOf(first, given), buffers);
        // Once per step: a sharpness-aware step computes both losses on the same anchors and regions.
        chosen ??= targetsOf(made, objects, draw);
        const feeds = { ...given, ...made, ...chosen };
        await second.run(feedsOf(second, feeds), { ...scalars, ...next });
        return Object.fromEntries(
          Object.entries(losses).map(([key, name]: [string, string]) => [
            key,
            scalars[name]?.data[0],
          ]),
        ) as unknown as Losses;
      });
    },
    async dispose() {
      await first.dispose();
      await second.dispose();
    },
  };
}

/** Opens the second phase. Its inputs have the types and dims of the outputs of the first. */
function openSecond(
  runtime: Runtime,
  graph: Graph,
  made: Readonly<Record<string, Tensor>>,
): Promise<Session> {
  const inputs = graph.inputs.map((input) => {
    const tensor = made[input.name];
    return tensor ? { ...input, type: tensor.type, dims: tensor.dims } : input;
  });
  const own = new Set([VALUES.objectness, VALUES.anchorDeltas].map(String));
  const outputs = graph.outputs.filter(({ name }) => !own.has(name));
  return runtime.open(modelOf({ ...graph, inputs, outputs }));
}

/** The feeds for the inputs of a session. */
function feedsOf(session: Session, feeds: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(session.inputs.map((name) => [name, feeds[name] as Tensor]));
}
