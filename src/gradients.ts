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
export * from './autodiff/index.ts';
export * from './graph/index.ts';
export * from './onnx/index.ts';
export { type OnnxFile, readModel } from './onnx/file.ts';
export { operatorOf, operators } from './ops/index.ts';
export * from './runtime/index.ts';
