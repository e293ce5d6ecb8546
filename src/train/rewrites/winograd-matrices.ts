/** A matrix in rows. */
export type Matrix = readonly (readonly number[])[];

/**
 * How a convolution along one axis is made of few products: with tiles of the input as
 * `input`·x and the filter as `filter`·w, each of `points` long, the output is
 * `output`ᵀ·(`input`·x ⊙ `filter`·w). Padding and the place of each tile are in the matrices.
 */
export interface WinogradAxis {
  readonly points: number;
  readonly tiles: number;
  /** Rows: points, and for each its tiles; columns: places of the input. */
  readonly input: Matrix;
  /** Rows: points; columns: places of the filter. */
  readonly filter: Matrix;
  /** Rows: points, and for each its tiles; columns: places of the output. */
  readonly output: Matrix;
}

/**
 * Where the products are evaluated, beside infinity: in this order, the errors of float32 stay below
 * 1e-5 of the largest output to the last, and below 3e-6 to the fifth.
 */
const FINITE = [0, 1, -1, 1 / 2, -2, 2, -1 / 2];
/** Outputs of a tile: of more, the way between places and points takes what the products save. */
const MOST = 4;

/**
 * Ways to convolve along one axis with stride 1, by the number of outputs of a tile (Winograd 1980;
 * for networks Lavin & Gray 2016).
 *
 * @param size - places of the input
 * @param places - of the output
 * @param taps - of the filter
 * @param before - padding before the first place
 */
export function winogradAxes(
  size: number,
  places: number,
  taps: number,
  before: number,
): WinogradAxis[] {
  if (size === 2 && places === 2 && taps === 3 && before === 1) return [BOTH_PLACES];
  const most = Math.min(MOST, FINITE.length + 2 - taps);
  const ways: WinogradAxis[] = [];
  for (let each = 2; each <= most; each += 1) {
    ways.push(tiled(size, places, taps, before, each));
  }
  return ways;
}

/**
 * Two places, and padding on both sides: y₀ = w₁x₀ + w₂x₁ and y₁ = w₀x₀ + w₁x₁ in three products,
 * w₁(x₀ + x₁), (w₂ - w₁)x₁ and (w₀ - w₁)x₀.
 */
const BOTH_PLACES: WinogradAxis = {
  points: 3,
  tiles: 1,
  input: [
    [1, 1],
    [0, 1],
    [1, 0],
  ],
  filter: [
    [0, 1, 0],
    [0, -1, 1],
    [1, -1, 0],
  ],
  output: [
    [1, 1],
    [1, 0],
    [0, 1],
  ],
};

function tiled(
  size: number,
  places: number,
  taps: number,
  before: number,
  each: number,
): WinogradAxis {
  const { input, filter, output } = correlation(each, taps);
  const points = input.length;
  const tiles = Math.ceil(places / each);
  const over = <T>(make: (point: number, tile: number) => T): T[] =>
    Array.from({ length: points * tiles }, (_, row) => make(Math.floor(row / tiles), row % tiles));
  return {
    points,
    tiles,
    filter,
    input: over((point, tile) =>
      Array.from({ length: size }, (_, at) => input[point]?.[at + before - tile * each] ?? 0),
    ),
    output: over((point, tile) =>
      Array.from({ length: places }, (_, at) => output[point]?.[at - tile * each] ?? 0),
    ),
  };
}

/** One tile: `each` outputs of `taps` taps by as many products as it has inputs. */
function correlation(each: number, taps: number) {
  const points = each + taps - 1;
  const finite = FINITE.slice(0, points - 1);
  const others = finite.map((_, skip) => finite.filter((_, index) => index !== skip));
  const scales = finite.map((point, index) =>
    (others[index] as number[]).reduce((product, other) => product * (point - other), 1),
  );
  return {
    input: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(finite)],
    filter: [
      ...finite.map((point, index) =>
        powers(point, taps).map((power) => power / (scales[index] as number)),
      ),
      last(taps),
    ],
    output: [...finite.map((point) => powers(point, each)), last(each)],
  };
}

function last(length: number): number[] {
  return Array.from({ length }, (_, at) => (at === length - 1 ? 1 : 0));
}

function powers(base: number, count: number): number[] {
  return Array.from({ length: count }, (_, power) => base ** power);
}

/** Coefficients, the constant first, of the product of all (x - root). */
function polynomial(roots: readonly number[]): number[] {
  return roots.reduce<number[]>(
    (product, root) => [0, ...product].map((value, power) => value - root * (product[power] ?? 0)),
    [1],
  );
}

/** What two axes do, one within the other, as one matrix: rows are pairs of points, then of tiles. */
export function planeTransform(
  first: WinogradAxis,
  second: WinogradAxis,
  side: 'input' | 'output',
): number[][] {
  const rows: number[][] = [];
  for (let a = 0; a < first.points; a += 1) {
    for (let b = 0; b < second.points; b += 1) {
      const outer = first[side].slice(a * first.tiles, (a + 1) * first.tiles);
      const inner = second[side].slice(b * second.tiles, (b + 1) * second.tiles);
      rows.push(...kronecker(outer, inner));
    }
  }
  return rows;
}

/** Every pair of rows, and in it every pair of columns. */
export function kronecker(first: Matrix, second: Matrix): number[][] {
  return first.flatMap((a) =>
    second.map((b) => a.flatMap((left) => b.map((right) => left * right))),
  );
}
