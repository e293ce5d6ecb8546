import { intOf, intsOf } from '../graph/index.ts';
import { sizeOf } from '../onnx/index.ts';
import { floats } from './constants.ts';
import { pad } from './emit.ts';
import { BY_WINDOW } from './by-element.ts';
import { DATA, NO_TRAITS, type Operator } from './operator.ts';
import { type Tape } from './tape.ts';
import { windowOf } from './window.ts';

/** y = (Σ |x|ᵖ)^(1/p): dx = sign(x) |x|^(p-1) Σ dy y^(1-p), the sum over the windows x lies in. */
export const lpPool: Operator = {
  gradient: (t) => [t.op('Mul', [powerOfInput(t), overWindows(t, powerOfOutput(t))])],
  channels: BY_WINDOW,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** The same with one window. */
export const globalLpPool: Operator = {
  gradient: (t) => [t.op('Mul', [powerOfInput(t), powerOfOutput(t)])],
  channels: BY_WINDOW,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** sign(x) |x|^(p-1) */
function powerOfInput(t: Tape): string {
  const [x] = t.x as [string];
  const p = intOf(t.node, 'p', 2);
  if (p === 2) return x;
  const sign = t.op('Sign', [x]);
  return p === 1 ? sign : t.op('Mul', [sign, t.op('Pow', [t.op('Abs', [x]), t.scalar(p - 1)])]);
}

/** dy y^(1-p); at y = 0, a corner, zero. */
function powerOfOutput(t: Tape): string {
  const [y] = t.y as [string];
  const dy = t.dy[0] as string;
  const p = intOf(t.node, 'p', 2);
  if (p === 1) return dy;
  const quotient = t.op('Div', [dy, t.op('Pow', [y, t.scalar(p - 1)])]);
  return t.op('Where', [t.op('Equal', [y, t.scalar(0)]), t.scalar(0), quotient]);
}

/** For each place of x the sum of `value` over the windows that it lies in. */
function overWindows(t: Tape, value: string): string {
  const dims = t.dims(t.x[0] as string);
  const channels = dims[1] as number;
  const { kernel, strides, dilations, before, after } = windowOf(
    t.node,
    intsOf(t.node, 'kernel_shape', []),
    dims.slice(2),
    t.dims(t.y[0] as string).slice(2),
  );
  const weights = [channels, 1, ...kernel];
  const ones = floats(t, weights, Array<number>(sizeOf(weights)).fill(1));
  const sums = t.op('ConvTranspose', [value, ones], {
    kernel_shape: kernel,
    strides,
    dilations,
    group: channels,
    pads: [...before, ...after.map((count) => Math.max(0, count))],
  });
  const rest = after.map((count) => Math.max(0, -count));
  return pad(
    t,
    sums,
    dims.map(() => 0),
    [0, 0, ...rest],
  );
}
