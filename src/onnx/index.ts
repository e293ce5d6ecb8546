// Free of Node, for browsers: file.ts, save.ts and write.ts need a file system and are imported directly.

export { dataTypeOf } from './data-type.ts';
export { decodeModel } from './decode.ts';
export { encodeWithExternalData, encodeModel, type ModelWithExternalData } from './encode.ts';
export { FinepruneError, OnnxError, quoted, type OnnxErrorCode } from './error.ts';
export {
  float,
  type Attribute,
  type Attributes,
  type Dim,
  type Graph,
  type Model,
  type Node,
  type ValueInfo,
} from './model.ts';
export { float32, int64, sizeOf, type DataType, type Tensor, type TensorOf } from './tensor.ts';
export { isConstant, isGraph, isTensor, nodeLabel, subgraphsOf } from './node.ts';
export { patchModel, type Insertion } from './patch.ts';
export { usedNames } from './sort.ts';
