import { random, type Random, type Source } from '../../data/index.ts';

type Color = readonly [red: number, green: number, blue: number];

export interface DrawnFacesOptions {
  readonly people: number;
  /** Images per person. */
  readonly each: number;
  /** Width and height in pixels. */
  readonly side: number;
  readonly seed: number;
}

/**
 * Drawn faces, for users without photographs. People differ in skin, hair, features, beard and glasses;
 * images of a person in expression, light, position and background. Faces are cropped as in LFWcrop: pupils
 * at about 0.27 and 0.73 of the width and 0.22 of the height.
 */
export function drawnFaces({ people, each, side, seed }: DrawnFacesOptions): Source {
  const digits = String(people - 1).length;
  const names = Array.from(
    { length: people },
    (_, who) => `person-${String(who).padStart(digits, '0')}`,
  );
  const persons = names.map((_, who) => drawnPerson(random(seed, `person/${who}`)));
  return {
    name: 'drawn-faces',
    labels: names.flatMap((name) => Array.from({ length: each }, () => name)),
    where: (index) => `picture ${index % each} of ${names[Math.floor(index / each)]}`,
    async read(index) {
      const person = persons[Math.floor(index / each)] as Person;
      const draw = random(seed, `picture/${index}`);
      const pixels = painted(person, drawnPose(draw, person), side, draw);
      return { kind: 'picture', picture: { width: side, height: side, channels: 3, pixels } };
    },
  };
}

/**
 * What is the same in all images of a person. The unit of lengths is half the image: the center is (0, 0),
 * the edges are at -1 and 1, and y increases downwards.
 */
interface Person {
  readonly skin: Color;
  readonly hair: Color;
  readonly iris: Color;
  readonly lips: Color;
  readonly face: { readonly width: number; readonly height: number };
  readonly hairline: { readonly y: number; readonly slope: number; readonly bow: number };
  readonly eyes: { readonly apart: number; readonly size: number };
  readonly brows: { readonly above: number; readonly thick: number; readonly tilt: number };
  readonly nose: { readonly long: number; readonly wide: number };
  readonly mouth: { readonly y: number; readonly wide: number; readonly thick: number };
  /** Strengths of beard and moustache, 0 to 1. */
  readonly beard: number;
  readonly moustache: number;
  readonly glasses: boolean;
}

/** What differs between the images of a person. */
interface Pose {
  readonly right: number;
  readonly down: number;
  readonly zoom: number;
  readonly turn: number;
  readonly smile: number;
  readonly open: number;
  readonly lids: number;
  readonly gaze: number;
  readonly raise: number;
  readonly ground: Color;
  /** The light: its strength, and its gradient across and down. */
  readonly gain: number;
  readonly across: number;
  readonly along: number;
  readonly tint: Color;
}

const between = (draw: Random, low: number, high: number): number =>
  low + (high - low) * draw.uniform();

const mix = (a: Color, b: Color, share: number): Color => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

const one = (draw: Random, of: readonly Color[]): Color => of[draw.integer(of.length)] as Color;

const LIGHT_SKIN: Color = [0.95, 0.77, 0.66];
const DARK_SKIN: Color = [0.4, 0.25, 0.18];
const HAIRS: readonly Color[] = [
  [0.08, 0.06, 0.05],
  [0.3, 0.18, 0.1],
  [0.55, 0.3, 0.14],
  [0.8, 0.65, 0.38],
  [0.7, 0.7, 0.7],
];
const IRISES: readonly Color[] = [
  [0.22, 0.13, 0.07],
  [0.25, 0.4, 0.6],
  [0.3, 0.42, 0.25],
];
const WHITE: Color = [0.95, 0.94, 0.92];
const BLACK: Color = [0.05, 0.04, 0.04];
const RED: Color = [0.7, 0.2, 0.22];

function drawnPerson(draw: Random): Person {
  const skin = mix(LIGHT_SKIN, DARK_SKIN, draw.uniform() ** 1.5);
  const hair = mix(one(draw, HAIRS), one(draw, HAIRS), 0.3 * draw.uniform());
  const bearded = draw.uniform() < 0.25;
  return {
    skin,
    hair,
    iris: one(draw, IRISES),
    lips: mix(skin, RED, between(draw, 0.2, 0.8)),
    face: { width: between(draw, 0.8, 1), height: between(draw, 1.05, 1.25) },
    hairline: {
      y: between(draw, -1.15, -0.78),
      slope: between(draw, -0.25, 0.25),
      bow: between(draw, -0.15, 0.5),
    },
    eyes: { apart: between(draw, 0.38, 0.5), size: between(draw, 0.1, 0.16) },
    brows: {
      above: between(draw, 0.17, 0.26),
      thick: between(draw, 0.025, 0.07),
      tilt: between(draw, -0.25, 0.3),
    },
    nose: { long: between(draw, 0.45, 0.65), wide: between(draw, 0.12, 0.24) },
    mouth: {
      y: between(draw, 0.42, 0.58),
      wide: between(draw, 0.24, 0.42),
      thick: between(draw, 0.04, 0.09),
    },
    beard: bearded ? between(draw, 0.4, 0.9) : 0,
    moustache: bearded || draw.uniform() < 0.1 ? between(draw, 0.4, 0.9) : 0,
    glasses: draw.uniform() < 0.2,
  };
}

function drawnPose(draw: Random, { hair }: Person): Pose {
  const any = (): Color => [draw.uniform(), draw.uniform(), draw.uniform()];
  return {
    right: between(draw, -0.1, 0.1),
    down: between(draw, -0.07, 0.07),
    zoom: between(draw, 0.93, 1.07),
    turn: between(draw, -0.12, 0.12),
    smile: between(draw, -0.08, 0.16),
    open: Math.max(0, between(draw, -0.1, 0.14)),
    lids: between(draw, 0.5, 0.9),
    gaze: between(draw, -0.04, 0.04),
    raise: between(draw, -0.03, 0.06),
    ground: mix(any(), hair, 0.2),
    gain: between(draw, 0.7, 1.2),
    across: between(draw, -0.3, 0.3),
    along: between(draw, -0.2, 0.2),
    tint: mix([1, 1, 1], any(), 0.15),
  };
}

const EYES = -0.56;

function painted(person: Person, pose: Pose, side: number, draw: Random): Uint8Array {
  const pixels = new Uint8Array(3 * side * side);
  const soft = 1.5 / side;
  const [cos, sin] = [Math.cos(pose.turn) / pose.zoom, Math.sin(pose.turn) / pose.zoom];
  const color = new Float64Array(3);
  for (let at = 0; at < pixels.length; at += 3) {
    const pixel = at / 3;
    const u = (2 * ((pixel % side) + 0.5)) / side - 1 - pose.right;
    const v = (2 * (Math.floor(pixel / side) + 0.5)) / side - 1 - pose.down;
    colorAt(person, pose, cos * u + sin * v, cos * v - sin * u, soft, color);
    const light = pose.gain * (1 + pose.across * u + pose.along * v);
    const grain = 0.07 * (draw.uniform() - 0.5);
    for (let channel = 0; channel < 3; channel += 1) {
      const value = (color[channel] as number) * light * (pose.tint[channel] as number) + grain;
      pixels[at + channel] = Math.round(255 * Math.max(0, Math.min(1, value)));
    }
  }
  return pixels;
}

/** Paints layer over layer, from the background to the glasses. */
function colorAt(
  person: Person,
  pose: Pose,
  x: number,
  y: number,
  soft: number,
  color: Float64Array,
): void {
  const { skin, hair, face, hairline, eyes, brows, nose, mouth } = person;
  const side = Math.abs(x);

  const head = inside(ellipse(x, y - 0.02, face.width, face.height), soft);
  over(color, pose.ground, 1);
  over(color, hair, inside(ellipse(x, y + 0.2, face.width + 0.12, 1.1), soft));
  over(color, skin, head);
  over(color, BLACK, 0.35 * side * side * head);
  over(color, hair, 0.9 * head * person.beard * inside(0.3 + 0.35 * side - y, soft));
  const edge = hairline.y + hairline.slope * x + hairline.bow * x * x;
  over(color, hair, inside(y - edge, soft));

  const [fromEye, below] = [side - eyes.apart, y - EYES];
  if (below < 0.4) {
    const brow = brows.above + pose.raise + brows.tilt * fromEye;
    over(color, hair, 0.85 * inside(line(fromEye, below + brow, 0.16, brows.thick), soft));
    const eye = inside(ellipse(fromEye, below, eyes.size * 1.5, eyes.size * pose.lids), soft);
    const fromIris = distance(x - Math.sign(x) * eyes.apart - pose.gaze, below);
    over(color, WHITE, eye);
    over(color, person.iris, eye * inside(fromIris - eyes.size * 0.75, soft));
    over(color, BLACK, eye * inside(fromIris - eyes.size * 0.35, soft));
  }
  const tip = EYES + nose.long;
  const nostrils = inside(line(x, y - tip, nose.wide, 0.03), soft);
  const ridge = inside(line(side - 0.09, y - (EYES + tip) / 2, 0, nose.long / 4), soft);
  over(color, BLACK, Math.max(0.42 * nostrils, 0.07 * ridge));
  if (below > 0.4) {
    over(
      color,
      hair,
      person.moustache * inside(line(x, y - (tip + mouth.y) / 2, mouth.wide, 0.05), soft),
    );
    const curve = mouth.y - (pose.smile * side * side) / (mouth.wide * mouth.wide);
    const gape = pose.open * Math.max(0, 1 - (side / mouth.wide) ** 2);
    const fromLips = Math.max(0, Math.abs(y - curve) - gape);
    over(color, person.lips, inside(line(x, fromLips, mouth.wide, mouth.thick), soft));
    over(color, BLACK, 0.8 * inside(line(x, fromLips, mouth.wide * 0.9, 0.015), soft));
  }
  if (person.glasses && below < 0.4) {
    const rim = Math.abs(ellipse(fromEye, below, 0.3, 0.22)) - 0.025;
    const bridge = line(x, below + 0.05, Math.max(0, eyes.apart - 0.3), 0.025);
    over(color, BLACK, 0.9 * inside(Math.min(rim, bridge), soft));
  }
}

// `Math.hypot` guards against overflow and takes twenty times as long.
const distance = (dx: number, dy: number): number => Math.sqrt(dx * dx + dy * dy);

/** Approximate distance to the edge of an ellipse; negative inside. */
const ellipse = (dx: number, dy: number, wide: number, tall: number): number =>
  (distance(dx / wide, dy / tall) - 1) * Math.min(wide, tall);

/** Distance to a horizontal stroke with round ends. */
const line = (dx: number, dy: number, half: number, thick: number): number =>
  distance(Math.max(0, Math.abs(dx) - half), dy) - thick;

/** The coverage of a pixel by a shape whose edge is `soft` wide. */
const inside = (away: number, soft: number): number => Math.max(0, Math.min(1, 0.5 - away / soft));

function over(color: Float64Array, layer: Color, share: number): void {
  if (share === 0) return;
  for (let i = 0; i < 3; i += 1) {
    color[i] = (color[i] as number) + ((layer[i] as number) - (color[i] as number)) * share;
  }
}
