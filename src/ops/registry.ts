import type { Node } from '../onnx/index.ts';
import * as activations from './activations.ts';
import * as convolution from './convolution.ts';
import * as einsum from './einsum.ts';
import * as elementwise from './elementwise.ts';
import * as functions from './functions.ts';
import * as indexing from './indexing.ts';
import * as joining from './joining.ts';
import * as layout from './layout.ts';
import * as lpPooling from './lp-pooling.ts';
import * as matrix from './matrix.ts';
import * as normalization from './normalization.ts';
import * as padding from './padding.ts';
import * as pooling from './pooling.ts';
import * as rectifiers from './rectifiers.ts';
import * as reductions from './reductions.ts';
import * as regions from './regions.ts';
import * as resize from './resize.ts';
import * as scans from './scans.ts';
import * as sampling from './sampling.ts';
import * as shape from './shape.ts';
import * as sigmoids from './sigmoids.ts';
import * as transposed from './transposed.ts';
import { none, type Operator, zero } from './rule.ts';
import type { OperatorName } from './signatures.ts';

const SAMPLING = 'fineprune does not differentiate sampling at computed places yet';
const LOSS = 'fineprune makes the loss itself: give it the model up to the logits';
const SPECTRUM = 'fineprune does not train what comes before a spectrum';
const NEWER = 'it is newer than the canonical opset';
const BOOLEAN = 'its output is boolean';
const INTEGER = 'its output is integer';
const STRING = 'it reads strings';
const RECURRENT = 'lowerRecurrent, which writes it out as its steps, was not run or left it';
const SEQUENCE = 'sequences and optionals take no gradient';

/**
 * Every standard operator, by family file: an operator that ONNX adds does not compile before
 * something is said about it here.
 */
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
  Dropout: activations.dropout,
  LogSoftmax: activations.logSoftmax,
  Relu: activations.relu,
  Softmax: activations.softmax,
  Swish: none(NEWER),

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
  RMSNormalization: none(NEWER),

  // convolution
  Col2Im: none('fineprune does not fold columns back to images'),
  Conv: convolution.conv,
  ConvTranspose: transposed.convTranspose,
  DeformConv: none(SAMPLING),

  // pooling
  AveragePool: pooling.averagePool,
  GlobalAveragePool: pooling.globalAveragePool,
  GlobalLpPool: lpPooling.globalLpPool,
  GlobalMaxPool: reductions.globalMaxPool,
  LpPool: lpPooling.lpPool,
  MaxPool: pooling.maxPool,
  MaxRoiPool: none('fineprune trains through RoiAlign, not through pooled regions'),
  MaxUnpool: indexing.maxUnpool,
  RoiAlign: regions.roiAlign,

  // matrix
  Det: none('its gradient is an inverse matrix, which ONNX has no operator for'),
  Einsum: einsum.einsum,
  Gemm: matrix.gemm,
  MatMul: matrix.matMul,

  // recurrent
  GRU: none(RECURRENT),
  LSTM: none(RECURRENT),
  RNN: none(RECURRENT),

  // attention
  Attention: none(NEWER),
  RotaryEmbedding: none(NEWER),

  // shape
  Flatten: shape.reshaping,
  Reshape: shape.reshaping,
  Squeeze: shape.reshaping,
  Unsqueeze: shape.reshaping,

  // layout
  Cast: layout.cast,
  CastLike: layout.cast,
  DepthToSpace: layout.depthToSpace,
  Expand: layout.expand,
  ReverseSequence: layout.reverseSequence,
  SpaceToDepth: layout.spaceToDepth,
  Tile: layout.tile,
  Transpose: layout.transpose,
  Trilu: layout.trilu,

  // joining
  Concat: joining.concat,
  Slice: joining.slice,
  Split: joining.split,

  // indexing
  Compress: indexing.compress,
  Gather: indexing.gather,
  GatherElements: indexing.gatherElements,
  GatherND: indexing.gatherND,
  OneHot: none('fineprune does not differentiate the values that it puts'),
  ScatterElements: indexing.scatterElements,
  ScatterND: indexing.scatterND,
  TensorScatter: none(NEWER),

  // padding
  CenterCropPad: none('fineprune does not differentiate it: export the model with Slice and Pad'),
  Pad: padding.pad,

  // resizing
  AffineGrid: sampling.affineGrid,
  GridSample: sampling.gridSample,
  Resize: resize.resize,

  // losses
  NegativeLogLikelihoodLoss: none(LOSS),
  SoftmaxCrossEntropyLoss: none(LOSS),

  // signals
  DFT: none(SPECTRUM),
  STFT: none(SPECTRUM),

  // quantization
  DequantizeLinear: none('what it reads is quantized: train the model before quantizing it'),

  // A step: flat everywhere, but for the places where it jumps.
  Ceil: zero('flat between its steps'),
  Floor: zero('flat between its steps'),
  Round: zero('flat between its steps'),
  Sign: zero('flat between its steps'),

  // Outputs that take no gradient.
  And: none(BOOLEAN),
  ArgMax: none(INTEGER),
  ArgMin: none(INTEGER),
  BitShift: none(INTEGER),
  BitwiseAnd: none(INTEGER),
  BitwiseNot: none(INTEGER),
  BitwiseOr: none(INTEGER),
  BitwiseXor: none(INTEGER),
  ConvInteger: none(INTEGER),
  DynamicQuantizeLinear: none(INTEGER),
  Equal: none(BOOLEAN),
  Greater: none(BOOLEAN),
  GreaterOrEqual: none(BOOLEAN),
  ImageDecoder: none(INTEGER),
  IsInf: none(BOOLEAN),
  IsNaN: none(BOOLEAN),
  Less: none(BOOLEAN),
  LessOrEqual: none(BOOLEAN),
  MatMulInteger: none(INTEGER),
  Multinomial: none(INTEGER),
  NonMaxSuppression: none(INTEGER),
  NonZero: none(INTEGER),
  Not: none(BOOLEAN),
  OptionalHasElement: none(BOOLEAN),
  Or: none(BOOLEAN),
  QLinearConv: none(INTEGER),
  QLinearMatMul: none(INTEGER),
  QuantizeLinear: none(INTEGER),
  RegexFullMatch: none(BOOLEAN),
  SequenceLength: none(INTEGER),
  Shape: none(INTEGER),
  Size: none(INTEGER),
  StringConcat: none(STRING),
  StringNormalizer: none(STRING),
  StringSplit: none(STRING),
  TfIdfVectorizer: none(STRING),
  Xor: none(BOOLEAN),

  // Outputs that depend on no number, only on dims or on nothing.
  BlackmanWindow: zero('has no input that is differentiated'),
  Constant: zero('has no input that is differentiated'),
  ConstantOfShape: zero('depends on the dims of its input only'),
  EyeLike: zero('depends on the dims of its input only'),
  HammingWindow: zero('has no input that is differentiated'),
  HannWindow: zero('has no input that is differentiated'),
  MelWeightMatrix: zero('has no input that is differentiated'),
  RandomNormal: zero('has no input that is differentiated'),
  RandomNormalLike: zero('depends on the dims of its input only'),
  RandomUniform: zero('has no input that is differentiated'),
  RandomUniformLike: zero('depends on the dims of its input only'),

  // Where there is a jump in every direction, or a choice that is not differentiable.
  Bernoulli: none('a random draw'),
  Hardmax: none('jumps from 0 to 1'),
  Range: none('its length depends on its inputs'),
  Unique: none('which elements stay depends on their values'),

  // Graphs within graphs, and values that are no tensors.
  ConcatFromSequence: none(SEQUENCE),
  If: none('its body is not differentiated'),
  Loop: none('its body is not differentiated'),
  Optional: none(SEQUENCE),
  OptionalGetElement: none(SEQUENCE),
  Scan: none('its body is not differentiated'),
  SequenceAt: none(SEQUENCE),
  SequenceConstruct: none(SEQUENCE),
  SequenceEmpty: none(SEQUENCE),
  SequenceErase: none(SEQUENCE),
  SequenceInsert: none(SEQUENCE),
  SequenceMap: none('its body is not differentiated'),
  SplitToSequence: none(SEQUENCE),

  // Out of use in the canonical opset.
  Scatter: none('deprecated: it is ScatterElements now'),
  Upsample: none('deprecated: it is Resize now'),
} satisfies Record<OperatorName, Operator>;

export function operatorOf(node: Node): Operator | undefined {
  if (node.domain !== '') return undefined;
  return Object.hasOwn(operators, node.op)
    ? operators[node.op as keyof typeof operators]
    : undefined;
}
