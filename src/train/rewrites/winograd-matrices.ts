/** A matrix as a list of rows. */
export type Matrix = readonly (readonly number[])[];

/**
 * The transforms of a Winograd convolution along one axis: y = `output`ᵀ·(`input`·x ⊙ `filter`·w), where
 * both factors have `points` elements for each tile. The matrices include padding and tile positions.
 */
export interface WinogradAxis {
  readonly points: number;
  readonly tiles: number;
  /** Rows: points, and for each its tiles; columns: input positions. */
  readonly input: Matrix;
  /** Rows: points; columns: filter taps. */
  readonly filter: Matrix;
  /** Rows: points, and for each its tiles; columns: output positions. */
  readonly output: Matrix;
}

/**
 * Interpolation points besides infinity. In this order, float32 errors stay below 3e-6 of the largest
 * output with the first five points, and below 1e-5 with all of them.
 */
const FINITE_POINTS = [0, 1, -1, 1 / 2, -2, 2, -1 / 2];
/** Largest number of outputs of a tile: with more, the transforms cost what the products save. */
const MAX_OUTPUTS = 4;

/**
 * Transforms for a convolution along one axis with stride 1, one for each number of outputs of a tile
 * (Winograd 1980; Lavin & Gray 2016).
 *
 * @param size - number of input positions
 * @param positions - number of output positions
 * @param taps - length of the filter
 * @param before - padding before the first position
 */
export function winogradAxes(
  size: number,
  positions: number,
  taps: number,
  before: number,
): WinogradAxis[] {
  if (size === 2 && positions === 2 && taps === 3 && before === 1) return [TWO_PADDED];
  const most = Math.min(MAX_OUTPUTS, FINITE_POINTS.length + 2 - taps);
  const ways: WinogradAxis[] = [];
  for (let each = 2; each <= most; each += 1) {
    ways.push(tiled(size, positions, taps, before, each));
  }
  return ways;
}

/**
 * Two positions with padding 1 on both sides: y₀ = w₁x₀ + w₂x₁ and y₁ = w₀x₀ + w₁x₁ from three products,
 * w₁(x₀ + x₁), (w₂ - w₁)x₁ and (w₀ - w₁)x₀.
 */
const TWO_PADDED: WinogradAxis = {
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
  positions: number,
  taps: number,
  before: number,
  each: number,
): WinogradAxis {
  const { input, filter, output } = correlation(each, taps);
  const points = input.length;
  const tiles = Math.ceil(positions / each);
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
      Array.from({ length: positions }, (_, at) => output[point]?.[at - tile * each] ?? 0),
    ),
  };
}

/** One tile, F(each, taps): `each` outputs of a filter with `taps` taps, from each + taps - 1 products. */
function correlation(each: number, taps: number) {
  const points = each + taps - 1;
  const finite = FINITE_POINTS.slice(0, points - 1);
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
      unitVector(taps),
    ],
    output: [...finite.map((point) => powers(point, each)), unitVector(each)],
  };
}

function unitVector(length: number): number[] {
  return Array.from({ length }, (_, at) => (at === length - 1 ? 1 : 0));
}

function powers(base: number, count: number): number[] {
  return Array.from({ length: count }, (_, power) => base ** power);
}

/** Coefficients of the product of all (x - root), the constant term first. */
function polynomial(roots: readonly number[]): number[] {
  return roots.reduce<number[]>(
    (product, root) => [0, ...product].map((value, power) => value - root * (product[power] ?? 0)),
    [1],
  );
}

/** The transforms of two axes as one matrix: rows are pairs of points, and for each its pairs of tiles. */
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

/** The Kronecker product. */
export function kronecker(first: Matrix, second: Matrix): number[][] {
  return first.flatMap((a) =>
    second.map((b) => a.flatMap((left) => b.map((right) => left * right))),
  );
}
