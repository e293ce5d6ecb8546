import type { Dataset } from '../../data/index.ts';
import { normalize, OPSET, subgraph, type Traced } from '../../graph/index.ts';
import { FinepruneError, type Graph, type Model, sizeOf, type TensorOf } from '../../onnx/index.ts';
import type { Detection } from '../../metrics/index.ts';
import { isOfDetector } from '../../ops/index.ts';
import { type Runtime, trace } from '../../runtime/index.ts';
import { openSession } from '../../train/index.ts';
import { METADATA, specIn, VALUES, type DetectorSpec } from './spec.ts';

export type DetectionErrorCode = 'detection/model' | 'detection/data';

/** A detector, or data for one, that cannot be used. */
export class DetectionError extends FinepruneError {
  override readonly name = 'DetectionError';

  constructor(code: DetectionErrorCode, message: string) {
    super(code, message);
  }
}

/** A detector trained by this project: its working graph, from one image to detections, and its specification. */
export interface Detector {
  readonly spec: DetectorSpec;
  /** In the canonical opset; `VALUES` names its values. */
  readonly graph: Graph;
}

/** The outputs of a detector. */
export const OUTPUTS = [VALUES.boxes, VALUES.labels, VALUES.scores] as const;

/**
 * Reads a model as a detector. It must be one that this project trained, with a specification in its
 * metadata.
 *
 * @throws DetectionError 'detection/model' for any other model
 */
export function detectorOf(model: Model): Detector {
  const spec = specIn(model.metadata);
  const { graph } = normalize(model);
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const missing = Object.values(VALUES).find((name) => name !== VALUES.image && !made.has(name));
  if (spec && missing === undefined) return { spec, graph };
  throw new DetectionError(
    'detection/model',
    `The model is not a detector that fineprune trained: its metadata have no "${METADATA}", which describes its anchors, proposals and classes. Scenes work only with such detectors, which "fineprune reproduce signs" writes. A detector of another tool cannot be fine-tuned, since its file does not contain its losses: repair it with the tool that trained it`,
  );
}

/** Whether a model is a detector, of this project or of another tool. */
export function looksLikeDetector({ graph, metadata }: Model): boolean {
  return specIn(metadata) !== undefined || graph.nodes.some(isOfDetector);
}

/**
 * The graph of a detector for training, cut between proposals and heads: it takes any number of images, and
 * regions as another input.
 */
export function cutAtRegions({ graph, spec }: Detector): Graph {
  const outputs = [VALUES.objectness, VALUES.anchorDeltas, VALUES.logits, VALUES.regionDeltas].map(
    (name) => ({ name }),
  );
  const cut = subgraph(
    graph,
    [
      { name: VALUES.regions, type: 'float32', dims: ['R', 4] },
      { name: VALUES.images, type: 'int64', dims: ['R'] },
    ],
    outputs,
  );
  return {
    ...cut,
    inputs: cut.inputs.map((input) =>
      input.name === VALUES.image ? { ...input, dims: ['N', 3, ...spec.size] } : input,
    ),
  };
}

/** A detector traced on one image, for analysis only: its shapes are fixed. */
export function tracedDetector(runtime: Runtime, { graph, spec }: Detector): Promise<Traced> {
  const dims = [1, 3, ...spec.size];
  const gray = new Float32Array(sizeOf(dims)).fill(0.5);
  return trace(runtime, graph, OPSET, {
    [VALUES.image]: { type: 'float32', dims, data: gray },
  });
}

/** @throws DetectionError 'detection/data' if scenes do not have the detector's size and classes */
export function checkScenes({ spec }: Detector, dataset: Dataset): void {
  const { objects, sample, classes } = dataset;
  if (
    objects &&
    sample.join() === [3, ...spec.size].join() &&
    classes.join('\n') === spec.classes.join('\n')
  ) {
    return;
  }
  throw new DetectionError(
    'detection/data',
    `The detector takes scenes of [3, ${spec.size.join(', ')}] with boxes of ${spec.classes.join(', ')}; ` +
      `"${dataset.name}" has ${objects ? 'scenes' : 'samples without boxes'} of [${sample.join(', ')}] and ${classes.join(', ')}`,
  );
}

/** The detections in each scene of a data set. */
export async function detect(
  runtime: Runtime,
  graph: Graph,
  dataset: Dataset,
  { signal, onProgress }: DetectSettings = {},
): Promise<Detection[][]> {
  const session = await openSession(runtime, graph, { input: VALUES.image, outputs: OUTPUTS });
  const x = new Float32Array(sizeOf(dataset.sample));
  const found: Detection[][] = [];
  try {
    for (let index = 0; index < dataset.length; index += 1) {
      signal?.throwIfAborted();
      await dataset.read([index], x);
      const image = { type: 'float32' as const, dims: [1, ...dataset.sample], data: x };
      found.push(detectionsIn(await session.run({ [VALUES.image]: image })));
      onProgress?.(index + 1, dataset.length);
    }
  } finally {
    await session.dispose();
  }
  return found;
}

export interface DetectSettings {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** The outputs of a detector as detections. */
export function detectionsIn(results: Readonly<Record<string, unknown>>): Detection[] {
  const boxes = (results[VALUES.boxes] as TensorOf<'float32'>).data;
  const labels = (results[VALUES.labels] as TensorOf<'int64'>).data;
  const scores = (results[VALUES.scores] as TensorOf<'float32'>).data;
  return Array.from(scores, (score, row) => {
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * row, 4 * row + 4);
    return { box: { left, top, right, bottom }, label: Number(labels[row]), score };
  });
}
