import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { DataError } from './error.ts';

/** A seeded source of randomness: the same seed and stream give the same draws everywhere. */
export interface Random {
  /** Uniform in [0, 1), all 53 bits random. */
  uniform(): number;
  /** Uniform in 0 .. below - 1, without bias; `below` is an integer in 1 .. 2^32. */
  integer(below: number): number;
  /** Standard normal. */
  normal(): number;
  /** Shuffles in place and returns the same array. */
  shuffle<T extends Uint32Array | number[]>(values: T): T;
  /** Up to `count` of the values, without replacement, in random order. It reorders `values`. */
  sample(values: number[], count: number): number[];
}

/**
 * Random numbers for one purpose. Streams with different names are independent: a new stream changes none
 * of the others.
 *
 * @throws DataError `data/seed` if the seed is not a safe integer.
 */
export function random(seed: number, stream = ''): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new DataError('data/seed', `the seed ${seed} is not an integer: give one such as 1`);
  }
  const generator = xoroshiro128plusFromState(stateOf(`${seed}/${stream}`));
  // Only the high bits are used throughout: the lowest one of xoroshiro128+ is a weak LFSR.
  const high26 = (): number => generator.next() >>> 6;
  const high27 = (): number => generator.next() >>> 5;

  const uniform = (): number => (high26() * 2 ** 27 + high27()) * 2 ** -53;

  function integer(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > 2 ** 32) {
      throw new RangeError(`integer(${below}): must be an integer in 1 .. 2^32`);
    }
    const width = Math.floor(2 ** 32 / below);
    const limit = width * below;
    let draw = generator.next() >>> 0;
    while (draw >= limit) draw = generator.next() >>> 0;
    return Math.floor(draw / width);
  }

  // Marsaglia's polar method, which gives two numbers at a time.
  let spare: number | undefined;
  function normal(): number {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = y * scale;
      return x * scale;
    }
  }

  function shuffle<T extends Uint32Array | number[]>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) swap(values, i, integer(i + 1));
    return values;
  }

  function sample(values: number[], count: number): number[] {
    const taken = Math.min(count, values.length);
    for (let i = 0; i < taken; i++) swap(values, i, i + integer(values.length - i));
    return values.slice(0, taken);
  }

  return { uniform, integer, normal, shuffle, sample };
}

function swap(values: Uint32Array | number[], i: number, j: number): void {
  const value = values[i] as number;
  values[i] = values[j] as number;
  values[j] = value;
}

/** Hashes a text to 128 bits: FNV-1a from four bases, with the finalizer of MurmurHash3. Never all zero. */
function stateOf(text: string): number[] {
  const state = [0x811c9dc5, 0x9e3779b9, 0x7f4a7c15, 0x85ebca6b].map((basis) => {
    let hash = basis;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  });
  if (!state.some((word) => word !== 0)) state[0] = 1;
  return state;
}
