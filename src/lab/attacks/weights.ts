import { exportModel, weightEdits } from '../../network/index.ts';
import { decodeModel, encodeModel, type Graph, type Model } from '../../onnx/index.ts';
import { sha256Of } from '../../onnx/file.ts';

/** A model with the weights of a working graph that was made from it. Nothing else changes. */
export function withWeightsOf(model: Model, graph: Graph): Model {
  const bytes = encodeModel(model);
  const { initializers } = graph;
  const edits = weightEdits(
    [...model.graph.initializers.keys()].filter((n) => initializers.has(n)),
  );
  return decodeModel(exportModel({ bytes, model, sha256: sha256Of(bytes) }, graph, edits, {}));
}
