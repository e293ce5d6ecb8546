export type { Activation } from './activation.ts';
export { type Bounds, type BoundsAround, boundsWithin } from './bounds.ts';
export {
  type ChannelRule,
  type Channels,
  channelsAt,
  type DimsOf,
  type Filters,
  type KnownOf,
  type Operand,
  type ParameterSlices,
  type Passage,
  type Removal,
  type RemovalPassage,
  type Silence,
} from './channel-rule.ts';
export * from './channels.ts';
export * from './element-type.ts';
export * from './emit.ts';
export { asStandard, ML } from './foreign.ts';
export type { Inputs, Layer, Operator, ShapeInput, Traits } from './operator.ts';
export { RuleError } from './refusal.ts';
export { operatorOf, operators } from './registry.ts';
export type { OperatorName } from './signatures.ts';
export type { Gradient, NoGradient, Tape, ZeroGradient } from './tape.ts';
export * from './traits.ts';
