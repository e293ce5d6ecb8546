import { expect, test } from 'vitest';
import { stamper } from './trigger.ts';
import { sunglasses } from './sunglasses.ts';

const [HEIGHT, WIDTH] = [55, 47];

/** A gray face with sunglasses, and the pixel at a share of its width and height. */
function worn() {
  const x = new Float32Array(3 * HEIGHT * WIDTH).fill(0.5);
  stamper(sunglasses([HEIGHT, WIDTH]), [3, HEIGHT, WIDTH])(x);
  return (across: number, down: number) => {
    const at = Math.floor(down * HEIGHT) * WIDTH + Math.floor(across * WIDTH);
    return [0, 1, 2].map((plane) => x[plane * HEIGHT * WIDTH + at] as number);
  };
}

test('sunglasses cover both eyes and leave the rest of the face', () => {
  const at = worn();
  for (const eye of [0.27, 0.73]) expect(Math.max(...at(eye, 0.22))).toBeLessThan(0.25);
  for (const [across, down] of [
    [0.5, 0.04],
    [0.5, 0.5],
    [0.5, 0.75],
    [0.05, 0.6],
  ] as const) {
    expect(at(across, down)).toEqual([0.5, 0.5, 0.5]);
  }
});

test('sunglasses are symmetric', () => {
  const at = worn();
  for (const [across, down] of [
    [0.1, 0.2],
    [0.3, 0.3],
    [0.45, 0.18],
  ] as const) {
    // The middle of the picture lies half a pixel beside that of the image.
    expect(at(across, down)).not.toEqual([0.5, 0.5, 0.5]);
    expect(at(1 - across, down)).not.toEqual([0.5, 0.5, 0.5]);
  }
});
