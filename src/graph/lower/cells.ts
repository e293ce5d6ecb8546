import type { Builder } from '../builder.ts';
import { activate, type Activation } from './activation.ts';

/** The inputs of a step of a recurrent layer, for one direction. */
export interface CellContext {
  readonly b: Builder;
  readonly type: 'float32' | 'float64';
  readonly hidden: number;
  /** Recurrence weights [gates hidden, hidden]. */
  readonly r: string;
  /** Biases [gates hidden] of the input and of the recurrence, where there are any. */
  readonly bias: { readonly input: string; readonly recurrence: string } | undefined;
  /** Peephole weights [3 hidden] of an LSTM, for the gates i, o and f. */
  readonly peepholes: string | undefined;
  readonly activations: readonly Activation[];
  /** Bound of the inputs of activations. */
  readonly clip: number | undefined;
  readonly linearBeforeReset: boolean;
}

/** The state between two steps, [batch, hidden] each; `c` is the cell of an LSTM. */
export interface State {
  readonly h: string;
  readonly c: string;
}

export interface Cell {
  readonly gates: number;
  /** The bias that all steps share; it is added to the product of all inputs with W. */
  inputBias(context: CellContext): string | undefined;
  /** @param x - the input's part of the gates, [batch, gates hidden] */
  step(context: CellContext, x: string, state: State): State;
}

/** H = f(X Wᵀ + H Rᵀ + b) */
const rnn: Cell = {
  gates: 1,
  inputBias: sumOfBiases,
  step(context, x, { h, c }) {
    const { b, r } = context;
    return { h: apply(context, 0, b.op('Add', [x, times(context, h, r)])), c };
  },
};

/**
 * i, o, f = f(X Wᵀ + H Rᵀ + P C + b), c̃ = g(X Wᵀ + H Rᵀ + b), C' = f C + i c̃, H' = o h(C'); the peephole of o
 * reads C', those of i and f read C.
 */
const lstm: Cell = {
  gates: 4,
  inputBias: sumOfBiases,
  step(context, x, { h, c }) {
    const { b, r, peepholes } = context;
    const gates = b.op('Add', [x, times(context, h, r)]);
    const [i, o, f, candidate] = split(context, gates, 4) as [string, string, string, string];
    const [pi, po, pf] = peepholes === undefined ? [] : splitVector(context, peepholes, 3);
    const withPeephole = (gate: string, weights: string | undefined, cell: string) =>
      weights === undefined ? gate : b.op('Add', [gate, b.op('Mul', [weights, cell])]);
    const kept = b.op('Mul', [apply(context, 0, withPeephole(f, pf, c)), c]);
    const taken = b.op('Mul', [
      apply(context, 0, withPeephole(i, pi, c)),
      apply(context, 1, candidate),
    ]);
    const cell = b.op('Add', [kept, taken]);
    const output = apply(context, 0, withPeephole(o, po, cell));
    return { h: b.op('Mul', [output, apply(context, 2, cell, false)]), c: cell };
  },
};

/** z, r = f(X Wᵀ + H Rᵀ + b), h̃ = g(X Wᵀ + (r H) Rᵀ + b) or g(X Wᵀ + b + r (H Rᵀ + b)), H' = (1-z) h̃ + z H */
const gru: Cell = {
  gates: 3,
  inputBias: (context) => (context.linearBeforeReset ? context.bias?.input : sumOfBiases(context)),
  step(context, x, { h, c }) {
    const { b, r, bias, linearBeforeReset, hidden } = context;
    const [xz, xr, xh] = split(context, x, 3) as [string, string, string];
    let z: string;
    let candidate: string;
    if (linearBeforeReset) {
      const inputs = bias ? [h, r, bias.recurrence] : [h, r];
      const recurrence = b.op('Gemm', inputs, { transB: 1 });
      const [hz, hr, hh] = split(context, recurrence, 3) as [string, string, string];
      z = apply(context, 0, b.op('Add', [xz, hz]));
      const reset = apply(context, 0, b.op('Add', [xr, hr]));
      candidate = apply(context, 1, b.op('Add', [xh, b.op('Mul', [reset, hh])]));
    } else {
      const parts = b.ops('Split', [r, b.ints([2 * hidden, hidden])], { axis: 0 }, 2);
      const gates = times(context, h, parts[0] as string);
      const [hz, hr] = split(context, gates, 2) as [string, string];
      z = apply(context, 0, b.op('Add', [xz, hz]));
      const reset = apply(context, 0, b.op('Add', [xr, hr]));
      const recurrence = times(context, b.op('Mul', [reset, h]), parts[1] as string);
      candidate = apply(context, 1, b.op('Add', [xh, recurrence]));
    }
    // (1-z) h̃ + z H
    const change = b.op('Mul', [z, b.op('Sub', [h, candidate])]);
    return { h: b.op('Add', [candidate, change]), c };
  },
};

export const cells: Readonly<Record<string, Cell>> = { GRU: gru, LSTM: lstm, RNN: rnn };

function sumOfBiases({ b, bias }: CellContext): string | undefined {
  return bias && b.op('Add', [bias.input, bias.recurrence]);
}

/** H Rᵀ */
function times({ b }: CellContext, h: string, r: string): string {
  return b.op('MatMul', [h, b.op('Transpose', [r], { perm: [1, 0] })]);
}

function split({ b, hidden }: CellContext, value: string, parts: number): readonly string[] {
  const sizes = Array<number>(parts).fill(hidden);
  return b.ops('Split', [value, b.ints(sizes)], { axis: 1 }, parts);
}

function splitVector({ b, hidden }: CellContext, value: string, parts: number): readonly string[] {
  const sizes = Array<number>(parts).fill(hidden);
  return b.ops('Split', [value, b.ints(sizes)], { axis: 0 }, parts);
}

function apply(context: CellContext, index: number, x: string, clips = true): string {
  const { b, type, clip, activations } = context;
  const bounded =
    clip === undefined || !clips
      ? x
      : b.op('Clip', [x, b.scalar(-clip, type), b.scalar(clip, type)]);
  return activate(b, activations[index] as Activation, bounded, type);
}
