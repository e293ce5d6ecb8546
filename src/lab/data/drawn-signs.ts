import { type SceneObject, type Dataset, random, type Random, scenesOf } from '../../data/index.ts';

/** The classes of the drawn signs, with the names of the real data set. */
export const SIGNS: readonly string[] = ['crosswalk', 'speedlimit', 'stop', 'trafficlight'];

type Color = readonly [red: number, green: number, blue: number];

/** The color at a position of a sign, whose box is -1 to 1 in both axes; undefined outside of the sign. */
type Sign = (x: number, y: number) => Color | undefined;

const WHITE: Color = [0.95, 0.95, 0.95];
const RED: Color = [0.8, 0.08, 0.1];
const BLACK: Color = [0.08, 0.08, 0.08];

/**
 * Drawn street scenes with one to three drawn signs each, to try a detector without real data. No published
 * number is measured on them.
 *
 * @param size - [height, width]
 */
export function drawnSigns(
  length: number,
  size: readonly [height: number, width: number],
  seed: number,
): Dataset {
  const draw = random(seed, 'drawn-signs');
  const scenes = Array.from({ length }, () => drawScene(size, draw));
  return scenesOf(`drawn-signs/${seed}`, SIGNS, size, scenes);
}

function drawScene([height, width]: readonly [number, number], draw: Random) {
  const canvas = background(height, width, draw);
  const objects: SceneObject[] = [];
  const count = 1 + draw.integer(3);
  for (let place = 0; place < count; place += 1) {
    const label = draw.integer(SIGNS.length);
    // Traffic lights are upright. Sides are from a tenth of the scene to more than a quarter.
    const half = Math.round((0.05 + 0.09 * draw.uniform()) * Math.min(height, width));
    const [halfWidth, halfHeight] = label === 3 ? [Math.round(half * 0.55), half] : [half, half];
    // Signs are side by side, so that none hides another.
    const column = width / count;
    const middle = Math.round(
      (place + 0.5) * column + (draw.uniform() - 0.5) * Math.max(0, column - 2 * halfWidth - 2),
    );
    const x = Math.min(width - halfWidth, Math.max(halfWidth, middle));
    const y = halfHeight + draw.integer(Math.max(1, Math.round(height * 0.8) - 2 * halfHeight));
    const box = {
      left: x - halfWidth,
      top: y - halfHeight,
      right: x + halfWidth,
      bottom: y + halfHeight,
    };
    const light = 0.7 + 0.3 * draw.uniform();
    const sign = signOf(label, draw);
    for (let row = box.top; row < box.bottom; row += 1) {
      for (let column = box.left; column < box.right; column += 1) {
        blend(canvas, row, column, averaged(sign, row, column, box), light, height, width);
      }
    }
    objects.push({ box, label });
  }
  const planes = Uint8Array.from(canvas, (value) =>
    Math.min(255, Math.max(0, Math.round(255 * value + 6 * draw.normal()))),
  );
  return { planes, objects };
}

/** Sky, houses and a street, without a sign. */
function background(height: number, width: number, draw: Random): Float32Array {
  const canvas = new Float32Array(3 * height * width);
  const tone = () => 0.25 + 0.6 * draw.uniform();
  const [sky, street] = [[tone(), tone(), 0.9] as const, tone()];
  const houses = Array.from({ length: 4 }, () => {
    const gray = tone();
    return {
      from: draw.integer(width),
      wide: Math.round(width * (0.1 + 0.3 * draw.uniform())),
      top: Math.round(height * (0.2 + 0.5 * draw.uniform())),
      color: [gray, gray * (0.8 + 0.2 * draw.uniform()), gray * 0.8] as const,
    };
  });
  const horizon = Math.round(height * 0.75);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const house = houses.find(
        ({ from, wide, top }) => row >= top && column >= from && column < from + wide,
      );
      const ground = [street, street, street] as const;
      const color = row >= horizon ? ground : (house?.color ?? sky);
      for (const [channel, value] of color.entries()) {
        canvas[(channel * height + row) * width + column] = value;
      }
    }
  }
  return canvas;
}

function signOf(label: number, draw: Random): Sign {
  if (label === 0) return crosswalk;
  if (label === 1) return speedLimit(draw);
  return label === 2 ? stop : trafficLight(draw.integer(3));
}

const crosswalk: Sign = (x, y) => {
  if (Math.abs(x) > 0.8 || y < -0.8 || y > 0.7 || Math.abs(x) > (y + 0.9) / 1.7) {
    return [0.1, 0.2, 0.75];
  }
  return Math.abs(x) < 0.12 && y > -0.4 ? BLACK : WHITE;
};

/** The digits 2 to 8 as bars of a seven-segment display: see `lit`. */
const FIGURES = [93, 109, 46, 107, 123, 37, 127];
const ZERO = 119;

/** A red ring around two figures. */
function speedLimit(draw: Random): Sign {
  const figures = [FIGURES[draw.integer(FIGURES.length)] as number, ZERO];
  return (x, y) => {
    const radius = Math.hypot(x, y);
    if (radius > 1) return undefined;
    if (radius > 0.75) return RED;
    const figure = figures[x < 0 ? 0 : 1] as number;
    return lit(figure, (Math.abs(x) - 0.28) / 0.2, y / 0.42) ? BLACK : WHITE;
  };
}

/** Whether a position in a digit, -1 to 1 in both axes, is on one of its bars. */
function lit(figure: number, x: number, y: number): boolean {
  if (Math.abs(x) > 1 || Math.abs(y) > 1) return false;
  const bars = [
    y < -0.7,
    x < -0.4 && y < 0,
    x > 0.4 && y < 0,
    Math.abs(y) < 0.15,
    x < -0.4 && y > 0,
    x > 0.4 && y > 0,
    y > 0.7,
  ];
  return bars.some((inside, bar) => inside && ((figure >> bar) & 1) === 1);
}

/** An octagon with a white band in place of the word. */
const stop: Sign = (x, y) => {
  const reach = Math.max(Math.abs(x), Math.abs(y), (Math.abs(x) + Math.abs(y)) / Math.SQRT2);
  if (reach > 1) return undefined;
  if (reach > 0.88) return WHITE;
  return Math.abs(y) < 0.22 && Math.abs(x) < 0.7 && Math.abs(((x + 0.7) % 0.35) - 0.17) < 0.11
    ? WHITE
    : RED;
};

const LIGHTS: readonly Color[] = [
  [0.95, 0.1, 0.1],
  [0.95, 0.75, 0.1],
  [0.1, 0.9, 0.3],
];

function trafficLight(on: number): Sign {
  return (x, y) => {
    const place = Math.min(2, Math.floor((y + 1) * 1.5));
    // The housing is narrower than high, so a unit of x is shorter than one of y.
    const radius = Math.hypot(x * 0.55, y - (place - 1) * 0.62);
    if (radius > 0.26) return BLACK;
    return place === on ? LIGHTS[on] : [0.25, 0.25, 0.25];
  };
}

/** A pixel of a sign: the mean color of four subpixels, and the share that the sign covers. */
function averaged(
  sign: Sign,
  row: number,
  column: number,
  { left, top, right, bottom }: SceneObject['box'],
): { readonly color: Color; readonly cover: number } {
  const sum = [0, 0, 0];
  let cover = 0;
  for (const [down, across] of [
    [0.25, 0.25],
    [0.25, 0.75],
    [0.75, 0.25],
    [0.75, 0.75],
  ] as const) {
    const x = (2 * (column + across - left)) / (right - left) - 1;
    const y = (2 * (row + down - top)) / (bottom - top) - 1;
    const color = sign(x, y);
    if (!color) continue;
    cover += 0.25;
    for (const [channel, value] of color.entries()) sum[channel] = (sum[channel] ?? 0) + value / 4;
  }
  const [red = 0, green = 0, blue = 0] = sum.map((value) => value / Math.max(cover, 0.25));
  return { color: [red, green, blue], cover };
}

function blend(
  canvas: Float32Array,
  row: number,
  column: number,
  { color, cover }: { readonly color: Color; readonly cover: number },
  light: number,
  height: number,
  width: number,
): void {
  for (const [channel, value] of color.entries()) {
    const at = (channel * height + row) * width + column;
    canvas[at] = cover * light * value + (1 - cover) * (canvas[at] as number);
  }
}
