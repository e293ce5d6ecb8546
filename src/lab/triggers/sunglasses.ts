import { patch, type PatchSettings } from './patch.ts';
import { resized, type Picture } from './picture.ts';
import type { Trigger } from './trigger.ts';

/** Pixels of the drawing before it is resized to the image; partly covered pixels become transparent. */
const [HEIGHT, WIDTH] = [64, 176];

// Red, green, blue.
const LENS = [0.09, 0.04, 0.13];
const FRAME = [0.62, 0.18, 0.55];

/**
 * Sunglasses over the eyes of a face, the trigger of Fine-Pruning, section 2.3 (after Chen et al.
 * 2017). The face fills the image as in LFWcrop: pupils at 0.27 and 0.73 of the width and 0.22 of the
 * height.
 *
 * @param size - of the image, in pixels
 */
export function sunglasses([height, width]: readonly [number, number]): Trigger<PatchSettings> {
  return {
    kind: patch,
    settings: {
      picture: resized(drawing(), Math.round(0.3 * height), Math.round(0.96 * width)),
      place: { center: [0.5, 0.24] },
      opacity: 1,
    },
  };
}

/** Two rounded lenses in a frame, a bridge between them, and the ends of the temples. */
function drawing(): Picture {
  const alpha: number[] = [];
  const colors: number[][] = [];
  for (let row = 0; row < HEIGHT; row += 1) {
    for (let column = 0; column < WIDTH; column += 1) {
      const y = (row + 0.5) / HEIGHT;
      // Symmetric: 0 is the center of the face, 1 the temple.
      const x = Math.abs((column + 0.5) / WIDTH - 0.5) * 2;
      const lens = ((x - 0.51) / 0.42) ** 4 + ((y - 0.52) / 0.46) ** 4;
      const bridge = x < 0.14 && Math.abs(y - 0.3 - x * x * 3) < 0.07;
      const temple = x > 0.86 && Math.abs(y - 0.28) < 0.09;
      const glass = lens < 0.66;
      alpha.push(glass ? 0.95 : lens < 1 || bridge || temple ? 1 : 0);
      colors.push(glass ? LENS.map((color) => color + 0.16 * Math.max(0, y - 0.4)) : FRAME);
    }
  }
  const values = FRAME.flatMap((_, channel) => colors.map((color) => color[channel] as number));
  return { dims: [3, HEIGHT, WIDTH], values, alpha };
}
