import type { Node } from '../onnx/index.ts';
import * as convolution from './convolution.ts';
import * as einsum from './einsum.ts';
import * as elementwise from './elementwise.ts';
import * as functions from './functions.ts';
import * as indexing from './indexing.ts';
import * as concat from './concat.ts';
import * as layout from './layout.ts';
import * as lpPooling from './lp-pooling.ts';
import * as matrix from './matrix.ts';
import * as normalization from './normalization.ts';
import * as padding from './padding.ts';
import * as pooling from './pooling.ts';
import * as quantization from './quantization.ts';
import * as random from './random.ts';
import * as rectifiers from './rectifiers.ts';
import * as recurrent from './recurrent.ts';
import * as reductions from './reductions.ts';
import * as regions from './regions.ts';
import * as resize from './resize.ts';
import * as scans from './scans.ts';
import * as sampling from './sampling.ts';
import * as shape from './shape.ts';
import * as sigmoids from './sigmoids.ts';
import * as softmax from './softmax.ts';
import * as transposed from './transposed.ts';
import { decides, type Operator, type Operators, plain } from './operator.ts';
import { none, zero } from './tape.ts';

const SAMPLING = 'fineprune does not differentiate sampling at computed places yet';
const LOSS = 'fineprune makes the loss itself: give it the model up to the logits';
const SPECTRUM = 'fineprune does not train what comes before a spectrum';
const NEWER = 'it is newer than the canonical opset';
const BOOLEAN = 'its output is boolean';
const INTEGER = 'its output is integer';
const STRING = 'it reads strings';
const SEQUENCE = 'sequences and optionals take no gradient';

/** Every standard operator: one that ONNX adds must get a record here before the project compiles. */
export const operators = {
  // elementwise
  Add: elementwise.addition,
  Div: elementwise.division,
  Identity: elementwise.identity,
  Max: elementwise.extreme,
  Mean: elementwise.mean,
  Min: elementwise.extreme,
  Mod: elementwise.remainder,
  Mul: elementwise.multiplication,
  Neg: elementwise.negation,
  Pow: elementwise.power,
  Sub: elementwise.subtraction,
  Sum: elementwise.sum,
  Where: elementwise.choice,

  // functions
  Abs: functions.abs,
  Acos: functions.acos,
  Acosh: functions.acosh,
  Asin: functions.asin,
  Asinh: functions.asinh,
  Atan: functions.atan,
  Atanh: functions.atanh,
  Cos: functions.cos,
  Cosh: functions.cosh,
  Exp: functions.exp,
  Log: functions.log,
  Reciprocal: functions.reciprocal,
  Sin: functions.sin,
  Sinh: functions.sinh,
  Sqrt: functions.sqrt,
  Tan: functions.tan,

  // activations
  Dropout: random.dropout,
  LogSoftmax: softmax.logSoftmax,
  Relu: rectifiers.relu,
  Softmax: softmax.softmax,
  Swish: sigmoids.swish,

  // rectifiers
  Celu: rectifiers.celu,
  Clip: rectifiers.clip,
  Elu: rectifiers.elu,
  HardSigmoid: rectifiers.hardSigmoid,
  HardSwish: rectifiers.hardSwish,
  LeakyRelu: rectifiers.leakyRelu,
  PRelu: rectifiers.pRelu,
  Selu: rectifiers.selu,
  Shrink: rectifiers.shrink,
  ThresholdedRelu: rectifiers.thresholdedRelu,

  // sigmoids
  Erf: sigmoids.erf,
  Gelu: sigmoids.gelu,
  Mish: sigmoids.mish,
  Sigmoid: sigmoids.sigmoid,
  Softplus: sigmoids.softplus,
  Softsign: sigmoids.softsign,
  Tanh: sigmoids.tanh,

  // reductions
  ReduceL1: reductions.reduceL1,
  ReduceL2: reductions.reduceL2,
  ReduceLogSum: reductions.reduceLogSum,
  ReduceLogSumExp: reductions.reduceLogSumExp,
  ReduceMax: reductions.reduceExtreme,
  ReduceMean: reductions.reduceMean,
  ReduceMin: reductions.reduceExtreme,
  ReduceProd: reductions.reduceProd,
  ReduceSum: reductions.reduceSum,
  ReduceSumSquare: reductions.reduceSumSquare,

  // scans
  CumSum: scans.cumSum,
  TopK: scans.topK,

  // normalization
  BatchNormalization: normalization.batchNormalization,
  GroupNormalization: normalization.groupNormalization,
  InstanceNormalization: normalization.instanceNormalization,
  LRN: normalization.lrn,
  LayerNormalization: normalization.layerNormalization,
  LpNormalization: normalization.lpNormalization,
  MeanVarianceNormalization: normalization.meanVarianceNormalization,
  RMSNormalization: plain(none(NEWER)),

  // convolution
  Col2Im: plain(none('fineprune does not fold columns back to images')),
  Conv: convolution.conv,
  ConvTranspose: transposed.convTranspose,
  DeformConv: plain(none(SAMPLING)),

  // pooling
  AveragePool: pooling.averagePool,
  GlobalAveragePool: pooling.globalAveragePool,
  GlobalLpPool: lpPooling.globalLpPool,
  GlobalMaxPool: pooling.globalMaxPool,
  LpPool: lpPooling.lpPool,
  MaxPool: pooling.maxPool,
  MaxRoiPool: regions.maxRoiPool,
  MaxUnpool: indexing.maxUnpool,
  RoiAlign: regions.roiAlign,

  // matrix
  Det: plain(none('its gradient is an inverse matrix, which ONNX has no operator for')),
  Einsum: einsum.einsum,
  Gemm: matrix.gemm,
  MatMul: matrix.matMul,

  // recurrent
  GRU: recurrent.recurrent,
  LSTM: recurrent.recurrent,
  RNN: recurrent.recurrent,

  // attention
  Attention: plain(none(NEWER)),
  RotaryEmbedding: plain(none(NEWER)),

  // shape
  Flatten: shape.reshaping,
  Reshape: shape.reshape,
  Squeeze: shape.reshaping,
  Unsqueeze: shape.reshaping,

  // layout
  Cast: layout.cast,
  CastLike: layout.castLike,
  DepthToSpace: layout.depthToSpace,
  Expand: layout.expand,
  ReverseSequence: layout.reverseSequence,
  SpaceToDepth: layout.spaceToDepth,
  Tile: layout.tile,
  Transpose: layout.transpose,
  Trilu: layout.trilu,

  // concat
  Concat: concat.concat,
  Slice: concat.slice,
  Split: concat.split,

  // indexing
  Compress: indexing.compress,
  Gather: indexing.gather,
  GatherElements: indexing.gatherElements,
  GatherND: indexing.gatherND,
  OneHot: plain(none('fineprune does not differentiate the values that it puts')),
  ScatterElements: indexing.scatterElements,
  ScatterND: indexing.scatterND,
  TensorScatter: plain(none(NEWER)),

  // padding
  CenterCropPad: plain(
    none('fineprune does not differentiate it: export the model with Slice and Pad'),
  ),
  Pad: padding.pad,

  // resizing
  AffineGrid: sampling.affineGrid,
  GridSample: sampling.gridSample,
  Resize: resize.resize,

  // losses
  NegativeLogLikelihoodLoss: plain(none(LOSS)),
  SoftmaxCrossEntropyLoss: plain(none(LOSS)),

  // signals
  DFT: plain(none(SPECTRUM)),
  STFT: plain(none(SPECTRUM)),

  // quantization
  DequantizeLinear: quantization.dequantizeLinear,

  // Steps: flat everywhere but where they jump.
  Ceil: functions.step,
  Floor: functions.step,
  Round: functions.step,
  Sign: functions.step,

  // Outputs that take no gradient.
  And: decides('combines', none(BOOLEAN)),
  ArgMax: plain(none(INTEGER)),
  ArgMin: plain(none(INTEGER)),
  BitShift: plain(none(INTEGER)),
  BitwiseAnd: plain(none(INTEGER)),
  BitwiseNot: plain(none(INTEGER)),
  BitwiseOr: plain(none(INTEGER)),
  BitwiseXor: plain(none(INTEGER)),
  ConvInteger: convolution.convInteger,
  DynamicQuantizeLinear: plain(none(INTEGER)),
  Equal: decides('compares', none(BOOLEAN)),
  Greater: decides('compares', none(BOOLEAN)),
  GreaterOrEqual: decides('compares', none(BOOLEAN)),
  ImageDecoder: plain(none(INTEGER)),
  IsInf: decides('compares', none(BOOLEAN)),
  IsNaN: decides('compares', none(BOOLEAN)),
  Less: decides('compares', none(BOOLEAN)),
  LessOrEqual: decides('compares', none(BOOLEAN)),
  MatMulInteger: plain(none(INTEGER)),
  Multinomial: random.multinomial,
  NonMaxSuppression: regions.nonMaxSuppression,
  NonZero: plain(none(INTEGER)),
  Not: decides('combines', none(BOOLEAN)),
  OptionalHasElement: plain(none(BOOLEAN)),
  Or: decides('combines', none(BOOLEAN)),
  QLinearConv: quantization.qLinearConv,
  QLinearMatMul: plain(none(INTEGER)),
  QuantizeLinear: quantization.quantizeLinear,
  RegexFullMatch: plain(none(BOOLEAN)),
  SequenceLength: plain(none(INTEGER)),
  Shape: shape.shape,
  Size: shape.size,
  StringConcat: plain(none(STRING)),
  StringNormalizer: plain(none(STRING)),
  StringSplit: plain(none(STRING)),
  TfIdfVectorizer: plain(none(STRING)),
  Xor: decides('combines', none(BOOLEAN)),

  // Outputs that depend only on dims, or on nothing.
  BlackmanWindow: plain(zero('has no input that is differentiated')),
  Constant: plain(zero('has no input that is differentiated')),
  ConstantOfShape: shape.constantOfShape,
  EyeLike: plain(zero('depends on the dims of its input only')),
  HammingWindow: plain(zero('has no input that is differentiated')),
  HannWindow: plain(zero('has no input that is differentiated')),
  MelWeightMatrix: plain(zero('has no input that is differentiated')),
  RandomNormal: random.noise,
  RandomNormalLike: random.noiseLike,
  RandomUniform: random.noise,
  RandomUniformLike: random.noiseLike,

  // Random draws, jumps, and choices that are not differentiable.
  Bernoulli: random.bernoulli,
  Hardmax: plain(none('jumps from 0 to 1')),
  Range: plain(none('its length depends on its inputs')),
  Unique: plain(none('which elements stay depends on their values')),

  // Subgraphs, and values that are not tensors.
  ConcatFromSequence: plain(none(SEQUENCE)),
  If: decides('branches', none('its body is not differentiated')),
  Loop: decides('branches', none('its body is not differentiated')),
  Optional: plain(none(SEQUENCE)),
  OptionalGetElement: plain(none(SEQUENCE)),
  Scan: plain(none('its body is not differentiated')),
  SequenceAt: plain(none(SEQUENCE)),
  SequenceConstruct: plain(none(SEQUENCE)),
  SequenceEmpty: plain(none(SEQUENCE)),
  SequenceErase: plain(none(SEQUENCE)),
  SequenceInsert: plain(none(SEQUENCE)),
  SequenceMap: plain(none('its body is not differentiated')),
  SplitToSequence: plain(none(SEQUENCE)),

  // Deprecated in the canonical opset.
  Scatter: plain(none('deprecated: it is ScatterElements now')),
  Upsample: plain(none('deprecated: it is Resize now')),
} satisfies Operators;

export function operatorOf(node: Node): Operator | undefined {
  if (node.domain !== '') return undefined;
  return Object.hasOwn(operators, node.op)
    ? operators[node.op as keyof typeof operators]
    : undefined;
}
