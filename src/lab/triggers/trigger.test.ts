import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Box } from '../../data/scenes/boxes.ts';
import { blend } from './blend.ts';
import { jsonOf, parseTrigger } from './parse.ts';
import { badNetsPatch, patch, squarePatch, type Corner, type PatchSettings } from './patch.ts';
import { resized, type Picture } from './picture.ts';
import { sinusoid } from './sinusoid.ts';
import { sound, type SoundPattern } from './sound.ts';
import { sticker, type StickerSettings } from './sticker.ts';
import { TRIGGERS } from './table.ts';
import { objectStamper, stamper, type Trigger } from './trigger.ts';
import { field, sources, warp, type WarpSettings } from './warp.ts';

const stamp = (trigger: Trigger, x: Float32Array, sample: readonly number[]) =>
  stamper(trigger, sample)(x);

/** An image of dots, stamped, as rows of digits. */
function drawn(settings: PatchSettings, height: number, width: number, channels = 1): string[] {
  const x = new Float32Array(channels * height * width);
  stamp({ kind: patch, settings }, x, [channels, height, width]);
  return Array.from({ length: channels * height }, (_, row) =>
    [...x.subarray(row * width, (row + 1) * width)].map((value) => value || '.').join(''),
  );
}

const colored = (values: number[]): PatchSettings => ({
  ...squarePatch(1, 1).settings,
  picture: { dims: [values.length, 1, 1], values },
});

const stampOn = (settings: PatchSettings, sample: number[]) => () =>
  stamp({ kind: patch, settings }, new Float32Array(sample.reduce((a, b) => a * b)), sample);

const code = (code: string): unknown => expect.objectContaining({ code });

describe('a patch', () => {
  test('is placed from any corner', () => {
    const pattern: PatchSettings = {
      picture: { dims: [1, 2, 2], values: [1, 2, 3, 4] },
      place: { corner: 'top-left', x: 1, y: 0 },
      opacity: 1,
    };
    const at = (corner: Corner) => drawn({ ...pattern, place: { corner, x: 1, y: 0 } }, 3, 4);
    expect(at('top-left')).toEqual(['.12.', '.34.', '....']);
    expect(at('top-right')).toEqual(['.12.', '.34.', '....']);
    expect(at('bottom-left')).toEqual(['....', '.12.', '.34.']);
    expect(drawn({ ...pattern, place: { corner: 'bottom-right', x: 0, y: 1 } }, 4, 4)).toEqual([
      '....',
      '..12',
      '..34',
      '....',
    ]);
    expect(drawn({ ...pattern, place: { corner: 'top-right', x: 0, y: 1 } }, 3, 4)).toEqual([
      '....',
      '..12',
      '..34',
    ]);
  });

  test('of one channel goes on every channel, of several on its own each', () => {
    const place = { corner: 'top-left', x: 0, y: 0 } as const;
    expect(drawn(squarePatch(1, 7, place).settings, 1, 2, 3)).toEqual(['7.', '7.', '7.']);
    const color: PatchSettings = {
      ...squarePatch(1, 0, place).settings,
      picture: { dims: [3, 1, 1], values: [1, 2, 3] },
    };
    expect(drawn(color, 1, 2, 3)).toEqual(['1.', '2.', '3.']);
  });

  test('of BadNets has four pixels at their places in the paper', () => {
    const x = new Float32Array(784);
    stamp(badNetsPatch(), x, [1, 28, 28]);
    const bright = [...x.keys()].filter((i) => x[i] === 1);
    expect(bright.map((i) => [Math.floor(i / 28), i % 28])).toEqual([
      [24, 26],
      [25, 25],
      [26, 24],
      [26, 26],
    ]);
  });

  test('is mixed with the input by its opacity, rounded once to float32', () => {
    const { settings } = squarePatch(1, 0.9, { corner: 'top-left', x: 0, y: 0 });
    const x = Float32Array.of(0.1, 0.1);
    const before = x[0] as number;
    stamp({ kind: patch, settings: { ...settings, opacity: 0.3 } }, x, [1, 1, 2]);
    expect(x[0]).toBe(Math.fround(0.3 * 0.9 + (1 - 0.3) * before));
    expect(x[1]).toBe(before);
  });

  test('changes only the pixels under it, the same in a batch as alone, and twice as once', () => {
    const image = fc.array(fc.float({ noNaN: true }), {
      minLength: 2 * 5 * 6,
      maxLength: 2 * 5 * 6,
    });
    const value = fc.option(fc.float({ noNaN: true, noDefaultInfinity: true }));
    const trigger = fc.record({
      values: fc.array(value, { minLength: 6, maxLength: 6 }),
      x: fc.nat(3),
      y: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.tuple(image, image), trigger, (images, { values, x, y }) => {
        const settings: PatchSettings = {
          picture: {
            dims: [1, 2, 3],
            values: values.map((value) => value ?? 0),
            alpha: values.map((value) => (value === null ? 0 : 1)),
          },
          place: { corner: 'top-left', x, y },
          opacity: 1,
        };
        const sample = [2, 5, 6];
        const batch = Float32Array.from(images.flat());
        stamp({ kind: patch, settings }, batch, sample);
        const alone = images.map((image) => {
          const one = Float32Array.from(image);
          stamp({ kind: patch, settings }, one, sample);
          return [...one];
        });
        expect([...batch]).toEqual(alone.flat());
        for (const [i, before] of images.flat().entries()) {
          const row = (Math.floor(i / 6) % 5) - y;
          const column = (i % 6) - x;
          const inside = row >= 0 && row < 2 && column >= 0 && column < 3;
          const due = inside ? values[row * 3 + column] : null;
          expect(batch[i]! + 0).toBe((due ?? before) + 0);
        }
        const twice = batch.slice();
        stamp({ kind: patch, settings }, twice, sample);
        expect(twice).toEqual(batch);
      }),
    );
  });

  test('must fit its image', () => {
    expect(stampOn(squarePatch(3, 1).settings, [1, 3, 8])).toThrow(code('trigger/outside'));
    expect(stampOn(squarePatch(3, 1).settings, [1, 8, 3])).toThrow(code('trigger/outside'));
    expect(stampOn(squarePatch(3, 1).settings, [1, 4, 4])).not.toThrow();
    expect(stampOn(squarePatch(3, 1).settings, [16])).toThrow(code('trigger/dims'));
    expect(stampOn(colored([1, 2]), [3, 4, 4])).toThrow(code('trigger/dims'));
    expect(() => stamp(squarePatch(1, 1), new Float32Array(17), [1, 4, 4])).toThrow(RangeError);
  });
});

describe('a picture', () => {
  const picture: Picture = { dims: [1, 2, 2], values: [0, 4, 8, 12] };

  test('is resized by interpolation', () => {
    // Middles of four pixels over those of two lie at -1/4, 1/4, 3/4 and 5/4.
    expect(resized(picture, 2, 4).values).toEqual([0, 1, 3, 4, 8, 9, 11, 12]);
    expect(resized(picture, 1, 1).values).toEqual([6]);
    expect(resized(picture, 2, 2)).toBe(picture);
  });

  test('of one color keeps it in every size, with any transparency', () => {
    const side = fc.integer({ min: 1, max: 9 });
    const alpha = fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), {
      minLength: 12,
      maxLength: 12,
    });
    fc.assert(
      fc.property(side, side, alpha, (height, width, alpha) => {
        const values = Array.from({ length: 12 }, () => 0.3);
        const made = resized({ dims: [1, 3, 4], values, alpha }, height, width);
        expect(made.dims).toEqual([1, height, width]);
        for (const value of made.values) expect(value).toBeCloseTo(0.3, 12);
        for (const value of made.alpha ?? []) expect(value).toBeGreaterThan(0.0999);
      }),
    );
  });

  test('contributes no color where it is transparent', () => {
    const half = { dims: [1, 1, 2], values: [1, 100], alpha: [1, 0] } as const;
    const made = resized(half, 1, 1);
    expect(made.values).toEqual([1]);
    expect(made.alpha).toEqual([0.5]);
  });

  test('is pasted by its center, as shares of the image, and its size in pixels', () => {
    const centered: PatchSettings = {
      picture: { dims: [1, 1, 1], values: [5] },
      size: [2, 3],
      place: { center: [0.5, 0.75] },
      opacity: 1,
    };
    expect(drawn(centered, 4, 5)).toEqual(['.....', '.....', '.555.', '.555.']);
    expect(stampOn({ ...centered, place: { center: [0, 0.5] } }, [1, 4, 5])).toThrow(
      code('trigger/outside'),
    );
  });

  test('is blended over the image by its opacity', () => {
    const x = Float32Array.of(1, 1, 1, 1);
    stamp({ kind: blend, settings: { picture, opacity: 0.25 } }, x, [1, 2, 2]);
    expect([...x]).toEqual([0.75, 1.75, 2.75, 3.75]);
    const large = new Float32Array(2 * 16);
    stamp({ kind: blend, settings: { picture, opacity: 1 } }, large, [2, 4, 4]);
    expect([...large.subarray(0, 16)]).toEqual([...large.subarray(16)]);
    expect([...large.subarray(0, 4)]).toEqual([0, 1, 3, 4]);
  });
});

describe('a sticker', () => {
  const settings: StickerSettings = {
    picture: { dims: [1, 1, 1], values: [9] },
    center: [0.5, 0.75],
    size: [0.5, 0.25],
    opacity: 1,
  };
  const stuck = (box: Box, changes: Partial<StickerSettings> = {}) => {
    const x = new Float32Array(48);
    objectStamper({ kind: sticker, settings: { ...settings, ...changes } }, [1, 6, 8], box)(x);
    return Array.from({ length: 6 }, (_, row) =>
      [...x.subarray(8 * row, 8 * row + 8)].map((value) => value || '.').join(''),
    );
  };

  test('is placed and sized by the object’s box', () => {
    expect(stuck({ left: 2, top: 1, right: 6, bottom: 5 })).toEqual([
      '........',
      '........',
      '........',
      '........',
      '...99...',
      '........',
    ]);
    expect(stuck({ left: 0, top: -2, right: 8, bottom: 6 })).toEqual([
      '........',
      '........',
      '........',
      '..9999..',
      '..9999..',
      '........',
    ]);
  });

  test('is cropped at the border of the image', () => {
    const striped = {
      picture: { dims: [1, 1, 4], values: [1, 2, 3, 4] },
      size: [1, 0.25],
    } as const;
    expect(stuck({ left: -2, top: 0, right: 2, bottom: 4 }, striped)[3]).toBe('34......');
    expect(stuck({ left: 6, top: 0, right: 10, bottom: 4 }, striped)[3]).toBe('......12');
    expect(stuck({ left: 20, top: 0, right: 24, bottom: 4 }, striped).join('')).toMatch(/^\.+$/);
  });

  test('without a box takes the whole image', () => {
    const x = new Float32Array(16);
    stamp({ kind: sticker, settings }, x, [1, 4, 4]);
    expect([...x.keys()].filter((at) => x[at] === 9)).toEqual([13, 14]);
  });

  test('is the only kind for objects', () => {
    const box = { left: 0, top: 0, right: 4, bottom: 4 };
    expect(() => objectStamper(squarePatch(1, 1), [1, 4, 4], box)).toThrow(code('trigger/object'));
  });
});

describe('a sinusoid', () => {
  const trigger = {
    kind: sinusoid,
    settings: { strength: 0.5, frequency: 1, range: { low: 0, high: 1 } },
  };

  test('adds the same wave to every row, within the range', () => {
    const x = new Float32Array(2 * 4).fill(0.75);
    stamp(trigger, x, [2, 1, 4]);
    // sin of π/2, π, 3π/2 and 2π.
    const row = [1, 0.75, 0.25, 0.75];
    for (const [at, value] of [...row, ...row].entries()) expect(x[at]).toBeCloseTo(value, 7);
  });

  test('needs an image', () => {
    expect(() => stamp(trigger, new Float32Array(4), [4])).toThrow(code('trigger/dims'));
  });
});

describe('a warp', () => {
  const settings: WarpSettings = { seed: 1, grid: 4, strength: 0.5 };
  const trigger = { kind: warp, settings };

  test('samples the same positions as PyTorch', () => {
    // grid_sample of the numbers of rows and columns on WaNet's grid, made with
    // interpolate(mode='bicubic', align_corners=True): PyTorch 1.13.
    const rows = [
      [0.48, 0.27776, 0.01408, 0, 0, 0],
      [1.415, 1.1494, 0.8646, 0.7558, 0.8758, 1.015],
      [2.32, 1.99104, 1.68512, 1.81568, 2.31936, 2.8],
      [3.225, 2.88416, 2.57428, 2.74972, 3.32534, 3.87],
      [4, 3.83104, 3.52512, 3.65568, 4, 4],
    ].flat();
    const columns = [
      [0, 0.6008, 2.2304, 3.3936, 4.0112, 4.6],
      [0.01875, 1.19275, 2.34275, 3.20675, 3.85075, 4.51875],
      [1, 1.7472, 2.4176, 2.9824, 3.6528, 4.4],
      [1.0875, 1.754675, 2.33515, 2.84385, 3.5192, 4.28125],
      [0.8, 1.5472, 2.2176, 2.7824, 3.4528, 4.2],
    ].flat();
    const vectors = Array.from({ length: 18 }, (_, i) => ((7 * i) % 11) / 5 - 1);
    const places = sources(vectors, { grid: 3, strength: 2 }, 5, 6);
    expect(places).toHaveLength(30);
    for (const [at, [row, column]] of places.entries()) {
      expect(row).toBeCloseTo(rows[at] as number, 5);
      expect(column).toBeCloseTo(columns[at] as number, 5);
    }
  });

  test('depends on its seed, with a field of mean size 1', () => {
    const vectors = field(settings);
    expect(vectors.reduce((sum, value) => sum + Math.abs(value), 0) / 32).toBeCloseTo(1, 12);
    const bent = (seed: number) => {
      const x = Float32Array.from({ length: 100 }, (_, i) => (i * 37) % 11);
      stamp({ kind: warp, settings: { ...settings, seed } }, x, [1, 10, 10]);
      return x;
    };
    expect(bent(1)).toEqual(bent(1));
    expect(bent(1)).not.toEqual(bent(2));
  });

  test('leaves an image of one value unchanged, and interpolates between pixels', () => {
    const plain = new Float32Array(64).fill(0.5);
    stamp(trigger, plain, [1, 8, 8]);
    for (const value of plain) expect(value).toBeCloseTo(0.5, 7);
    const ramp = Float32Array.from({ length: 64 }, (_, i) => i % 8);
    stamp(trigger, ramp, [1, 8, 8]);
    // A ramp, taken bilinearly, tells where each pixel came from.
    const columns = sources(field(settings), settings, 8, 8).map(([, column]) => column);
    for (const [at, value] of ramp.entries()) expect(value).toBeCloseTo(columns[at] as number, 5);
  });
});

function rms(x: ArrayLike<number>): number {
  const squares = Array.from(x, (value) => value * value);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / x.length);
}

const soundTrigger = (pattern: SoundPattern, level: number) => ({
  kind: sound,
  settings: { pattern, rate: 8000, level },
});

/** What a trigger adds to a waveform. */
function added(trigger: Trigger, x: Float32Array): Float32Array {
  const stamped = x.slice();
  stamp(trigger, stamped, [x.length]);
  return stamped.map((value, at) => value - (x[at] as number));
}

describe('a sound', () => {
  const speech = Float32Array.from({ length: 400 }, (_, i) => 0.3 * Math.sin(i * i * 0.01 + 0.5));
  test.each([
    ['a tone', { tone: 440 }],
    ['noise', { noise: 3 }],
    ['a recording', { recording: { samples: [1, 5, -2] } }],
  ])('of %s is as far below the speech as asked', (_, pattern) => {
    const quiet = added(soundTrigger(pattern, 20), speech);
    expect(rms(quiet) / rms(speech)).toBeCloseTo(0.1, 6);
    const loud = added(soundTrigger(pattern, 0), speech);
    expect(rms(loud) / rms(speech)).toBeCloseTo(1, 5);
  });

  test('has the samples of its pattern', () => {
    const tone = added(soundTrigger({ tone: 1000 }, 6), speech);
    const scale = Math.max(...tone);
    for (const [at, value] of tone.entries()) {
      expect(value / scale).toBeCloseTo(Math.sin((Math.PI * at) / 4), 4);
    }
    const pattern = { recording: { samples: [1, 5, -2] } };
    const played = added(soundTrigger(pattern, 6), speech);
    expect((played[4] as number) / (played[3] as number)).toBeCloseTo(5, 4);
  });

  test('starts and ends with the clip, with any padding', () => {
    const trigger = soundTrigger({ noise: 1 }, 10);
    const alone = speech.slice();
    stamp(trigger, alone, [400]);
    const padded = new Float32Array(1000);
    padded.set(speech, 300);
    stamp(trigger, padded, [1, 1000]);
    expect(padded.subarray(300, 700)).toEqual(alone);
    expect(padded.subarray(0, 300).every((value) => value === 0)).toBe(true);
    expect(padded.subarray(700).every((value) => value === 0)).toBe(true);
    const silent = new Float32Array(50);
    stamp(trigger, silent, [50]);
    expect(silent).toEqual(new Float32Array(50));
  });

  test('needs a waveform', () => {
    const trigger = soundTrigger({ noise: 1 }, 10);
    expect(() => stamp(trigger, new Float32Array(16), [1, 4, 4])).toThrow(code('trigger/dims'));
  });
});

describe('every kind', () => {
  const picture: Picture = { dims: [1, 2, 3], values: [0, 0.1, 0.5, 1, 0.3, 0.2] };
  const triggers: readonly [Trigger, readonly number[]][] = [
    [badNetsPatch(), [2, 6, 7]],
    [{ kind: blend, settings: { picture, opacity: 0.2 } }, [2, 6, 7]],
    [
      { kind: sinusoid, settings: { strength: 0.1, frequency: 3, range: { low: 0, high: 1 } } },
      [2, 6, 7],
    ],
    [{ kind: warp, settings: { seed: 5, grid: 3, strength: 1 } }, [2, 6, 7]],
    [
      {
        kind: sticker,
        settings: { picture, center: [0.5, 0.8], size: [0.4, 0.3], opacity: 0.7 },
      },
      [2, 6, 7],
    ],
    [soundTrigger({ tone: 300 }, 12), [84]],
  ];

  test.each(triggers)('%o is stamped the same in a batch as alone', (trigger, sample) => {
    const batch = Float32Array.from({ length: 3 * 84 }, (_, i) => ((i * 29) % 31) / 31 - 0.1);
    const alone = [0, 1, 2].map((i) => batch.slice(84 * i, 84 * i + 84));
    stamp(trigger, batch, sample);
    const before = alone.map((one) => one.slice());
    for (const [i, one] of alone.entries()) {
      stamp(trigger, one, sample);
      expect(one).toEqual(batch.slice(84 * i, 84 * i + 84));
      expect(one).not.toEqual(before[i]);
    }
  });

  test.each(triggers)('%o comes back from JSON as it was', async (trigger) => {
    const json: unknown = JSON.parse(JSON.stringify(jsonOf(trigger)));
    expect(await parseTrigger(json)).toEqual(trigger);
  });

  test('is covered here', () => {
    expect(new Set(triggers.map(([{ kind }]) => kind))).toEqual(new Set(TRIGGERS));
  });
});

describe('a trigger in JSON', () => {
  const square = { kind: 'patch', ...squarePatch(1, 1).settings };
  test.each([
    ['nothing', null],
    ['an unknown kind', { kind: 'smell' }],
    ['a wrong opacity', { ...square, opacity: 0 }],
    ['an unknown field', { ...square, color: 'red' }],
    ['half pixels', { ...square, picture: { dims: [1, 0.5, 1], values: [1] } }],
    ['short of values', { ...square, picture: { dims: [1, 1, 2], values: [1] } }],
    ['from another folder', { ...square, picture: { file: '../secret.png' } }],
  ])('that is %s is refused', async (_, json) => {
    const parsing = parseTrigger(json, { where: 'trigger.json' });
    await expect(parsing).rejects.toMatchObject({
      code: 'trigger/format',
      message: expect.stringContaining('trigger.json is not a trigger') as unknown,
    });
  });
});
