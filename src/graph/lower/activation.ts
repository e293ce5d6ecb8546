import { float } from '../../onnx/index.ts';
import type { Builder } from '../builder.ts';

/** An activation function of a recurrent layer. */
export interface Activation {
  readonly name: string;
  readonly alpha: number;
  readonly beta: number;
}

/** Defaults of alpha and beta; absent where a function has none. */
const FUNCTIONS: Readonly<
  Record<string, { alpha?: number | undefined; beta?: number | undefined }>
> = {
  affine: { alpha: 1, beta: 0 },
  elu: { alpha: 1 },
  hardsigmoid: { alpha: 0.2, beta: 0.5 },
  leakyrelu: { alpha: 0.01 },
  relu: {},
  scaledtanh: { alpha: 1, beta: 1 },
  sigmoid: {},
  softplus: {},
  softsign: {},
  tanh: {},
  thresholdedrelu: { alpha: 1 },
};

/**
 * The activations of a node. Each takes its alpha and beta from the lists in order, if it has them.
 *
 * @returns the first unknown name, where there is one
 */
export function activationsOf(
  names: readonly string[],
  alphas: readonly number[],
  betas: readonly number[],
): readonly Activation[] | string {
  let nextAlpha = 0;
  let nextBeta = 0;
  const made: Activation[] = [];
  for (const name of names) {
    const known = name.toLowerCase();
    if (!Object.hasOwn(FUNCTIONS, known)) return name;
    const { alpha, beta } = FUNCTIONS[known] ?? {};
    made.push({
      name: known,
      alpha: alpha === undefined ? 0 : (alphas[nextAlpha++] ?? alpha),
      beta: beta === undefined ? 0 : (betas[nextBeta++] ?? beta),
    });
  }
  return made;
}

export function activate(
  b: Builder,
  { name, alpha, beta }: Activation,
  x: string,
  type: 'float32' | 'float64',
): string {
  const scaled = (value: string, factor: number) =>
    factor === 1 ? value : b.op('Mul', [value, b.scalar(factor, type)]);
  switch (name) {
    case 'affine':
      return b.op('Add', [scaled(x, alpha), b.scalar(beta, type)]);
    case 'elu':
      return b.op('Elu', [x], { alpha: float(alpha) });
    case 'hardsigmoid':
      return b.op('HardSigmoid', [x], { alpha: float(alpha), beta: float(beta) });
    case 'leakyrelu':
      return b.op('LeakyRelu', [x], { alpha: float(alpha) });
    case 'relu':
      return b.op('Relu', [x]);
    case 'scaledtanh':
      return scaled(b.op('Tanh', [scaled(x, beta)]), alpha);
    case 'softplus':
      return b.op('Softplus', [x]);
    case 'softsign':
      return b.op('Softsign', [x]);
    case 'tanh':
      return b.op('Tanh', [x]);
    case 'thresholdedrelu':
      return b.op('ThresholdedRelu', [x], { alpha: float(alpha) });
    default:
      return b.op('Sigmoid', [x]);
  }
}
