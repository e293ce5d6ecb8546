import { UNCHANGED } from './by-element.ts';
import { DATA, type Operator, plain, type Traits } from './operator.ts';
import { none, zero } from './tape.ts';

/** Trained with a mask: dx = dy mask / (1 - ratio). Otherwise the identity. */
export const dropout: Operator = {
  gradient: (t) => {
    const dy = t.dy[0] as string;
    const training = t.x[2] ? t.constant(t.x[2])?.data[0] : 0;
    if (!training) return [dy];
    const ratio = t.x[1] ? Number(t.constant(t.x[1])?.data[0] ?? 0.5) : 0.5;
    if (ratio === 0) return [dy];
    const mask = t.y[1];
    if (mask === undefined) throw new Error(`Dropout "${t.node.name}" is trained without its mask`);
    const kept = t.op('Where', [mask, t.scalar(1 / (1 - ratio)), t.scalar(0)]);
    return [t.op('Mul', [dy, kept])];
  },
  channels: UNCHANGED,
  inputs: DATA,
  traits: { keepsChannels: true, training: 'drops', random: true },
};

const RANDOM: Traits = { random: true };

/** 0 or 1, by the probabilities of the input. */
export const bernoulli: Operator = { ...plain(none('a random draw')), traits: RANDOM };

/** Indices, by the probabilities of the input. */
export const multinomial: Operator = { ...plain(none('its output is integer')), traits: RANDOM };

/** RandomNormal, RandomUniform. */
export const noise: Operator = {
  ...plain(zero('has no input that is differentiated')),
  traits: RANDOM,
};

/** RandomNormalLike, RandomUniformLike. */
export const noiseLike: Operator = {
  ...plain(zero('depends on the dims of its input only')),
  traits: RANDOM,
};
