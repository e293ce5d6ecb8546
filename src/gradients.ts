/**
 * `fineprune/autodiff`: the gradient of an ONNX graph as another ONNX graph.
 *
 * ```ts
 * import { gradients, modelOf, nodeRuntime, normalize, OPSET, readModel, trace } from 'fineprune/autodiff';
 *
 * const { graph } = normalize((await readModel('model-with-loss.onnx')).model);
 * const runtime = await nodeRuntime();
 * const traced = await trace(runtime, graph, OPSET, feeds, ['weight', 'bias']);
 * const backward = gradients(traced, 'loss', ['weight', 'bias']);
 * const session = await runtime.open(modelOf(backward.graph));
 * const { [backward.gradients.get('weight')]: gradient } = await session.run(feeds);
 * ```
 */
export {
  appendGradients,
  AutodiffError,
  type AutodiffErrorCode,
  type BlockedParameter,
  gradients,
  type Trainable,
  trainable,
} from './autodiff/index.ts';
export {
  Builder,
  lowerRecurrent,
  modelOf,
  normalize,
  type Normalized,
  NormalizeError,
  type NormalizeErrorCode,
  type NormalizeOptions,
  OPSET,
  type Traced,
  type ValueType,
} from './graph/index.ts';
export {
  type Attributes,
  type DataType,
  encodeModel,
  FinepruneError,
  float,
  float32,
  type Graph,
  int64,
  type Model,
  type Node,
  OnnxError,
  type OnnxErrorCode,
  type Tensor,
  type TensorOf,
  type ValueInfo,
} from './onnx/index.ts';
export { type OnnxFile, readModel } from './onnx/file.ts';
export { operatorOf, operators } from './ops/index.ts';
export {
  type Feeds,
  nodeRuntime,
  type Runtime,
  RuntimeError,
  type RuntimeErrorCode,
  type RuntimeOptions,
  type Session,
  type SessionOptions,
  trace,
} from './runtime/index.ts';
