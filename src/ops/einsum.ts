import { stringOf } from '../graph/index.ts';
import { floats } from './constants.ts';
import { reshape } from './emit.ts';
import { BLOCKED } from './channel-rule.ts';
import { NO_TRAITS, type Operator } from './operator.ts';
import type { Tape } from './tape.ts';

/**
 * Y is a sum of products over letters: in the gradient dX and Y swap roles. If X has a letter twice, its
 * diagonal was read, and an identity matrix writes it back. A letter that only X has was summed, and ones
 * broadcast it again.
 */
export const einsum: Operator = {
  gradient: (t) => {
    const { terms, output, sizes } = equationOf(t);
    const dy = { letters: output, value: t.dy[0] as string };
    const operands = t.x.map((value, index) => shrunk(t, value, terms[index] ?? '', sizes));
    return operands.map((operand, index) => {
      if (!t.wants(index)) return undefined;
      const factors = [dy, ...operands.filter((_, other) => other !== index)];
      const spare = spareLetters(terms, output);
      const target = Array.from(operand.letters)
        .map((letter, at) => {
          if (operand.letters.indexOf(letter) === at) return letter;
          const copy = spare();
          const size = sizes.get(letter) as number;
          factors.push({ letters: letter + copy, value: floats(t, [size, size], eye(size)) });
          return copy;
        })
        .join('');
      for (const letter of new Set(target)) {
        if (factors.some((factor) => factor.letters.includes(letter))) continue;
        const size = sizes.get(letter) as number;
        factors.push({ letters: letter, value: floats(t, [size], Array<number>(size).fill(1)) });
      }
      const equation = `${factors.map((factor) => factor.letters).join(',')}->${target}`;
      const dx = t.op(
        'Einsum',
        factors.map((factor) => factor.value),
        { equation },
      );
      return reshape(t, dx, t.dims(t.x[index] as string));
    });
  },
  channels: BLOCKED,
  inputs: { weights: [0, 1] },
  traits: NO_TRAITS,
};

interface Operand {
  readonly letters: string;
  readonly value: string;
}

interface Equation {
  readonly terms: readonly string[];
  readonly output: string;
  readonly sizes: ReadonlyMap<string, number>;
}

/** The equation with a letter for each axis of an ellipsis, and with an explicit output. */
function equationOf(t: Tape): Equation {
  const text = stringOf(t.node, 'equation', '').replaceAll(/\s/g, '');
  const [left = '', right] = text.split('->');
  const written = left.split(',');
  const ranks = t.x.map((value) => t.dims(value).length);
  const most = Math.max(
    0,
    ...written.map((term, index) => (term.includes('...') ? hidden(term, ranks[index] ?? 0) : 0)),
  );
  const spare = spareLetters(written, right ?? '');
  const ellipsis = Array.from({ length: most }, spare).join('');
  // Axes of an ellipsis are aligned at their ends.
  const terms = written.map((term, index) =>
    term.replace('...', () => ellipsis.slice(most - hidden(term, ranks[index] ?? 0))),
  );
  const output = (right ?? implied(written)).replace('...', ellipsis);
  const sizes = new Map<string, number>();
  for (const [index, term] of terms.entries()) {
    const dims = t.dims(t.x[index] as string);
    for (const [axis, letter] of Array.from(term).entries()) {
      const size = dims[axis] as number;
      if (size !== 1 || !sizes.has(letter)) sizes.set(letter, size);
    }
  }
  return { terms, output, sizes };
}

/** How many axes the ellipsis of a term stands for. */
function hidden(term: string, rank: number): number {
  return rank - term.replace('...', '').length;
}

/** Without an arrow the output has the letters that occur once, in the order of the alphabet. */
function implied(terms: readonly string[]): string {
  const letters = Array.from(terms.join('').replaceAll('.', ''));
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return (terms.join('').includes('...') ? '...' : '') + once.toSorted().join('');
}

/** An operand without the axes along which it is broadcast. */
function shrunk(
  t: Tape,
  value: string,
  letters: string,
  sizes: ReadonlyMap<string, number>,
): Operand {
  const dims = t.dims(value);
  const kept = dims.flatMap((size, axis) =>
    size === 1 && sizes.get(letters[axis] as string) !== 1 ? [] : [axis],
  );
  if (kept.length === dims.length) return { letters, value };
  return {
    letters: kept.map((axis) => letters[axis]).join(''),
    value: reshape(
      t,
      value,
      kept.map((axis) => dims[axis] as number),
    ),
  };
}

/** Letters that an equation does not have. */
function spareLetters(terms: readonly string[], output: string): () => string {
  const used = new Set(terms.join('') + output);
  const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');
  const free = letters.filter((letter) => !used.has(letter));
  return () => free.shift() as string;
}

function eye(size: number): number[] {
  return Array.from({ length: size * size }, (_, index) => (index % (size + 1) === 0 ? 1 : 0));
}
