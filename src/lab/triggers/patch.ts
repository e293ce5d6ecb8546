import * as z from 'zod';
import { sizeOf } from '../../onnx/tensor.ts';
import { TriggerError } from './error.ts';

export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';

/** A pattern pasted at one place of an image, as in BadNets (Gu, Dolan-Gavitt, Garg 2017). */
export interface PatchTrigger {
  readonly kind: 'patch';
  /** [channels, height, width] of the pattern; one channel is pasted on all. */
  readonly dims: readonly [number, number, number];
  /** The pattern, row-major, in the units of the input; null leaves the input as it is. */
  readonly values: readonly (number | null)[];
  readonly place: {
    readonly corner: Corner;
    /** Pixels between the pattern and the image's edge at that corner, across and down (or up). */
    readonly x: number;
    readonly y: number;
  };
  /** 1 replaces the input, less lets it shine through; in (0, 1]. */
  readonly opacity: number;
}

export const patchSchema = z.strictObject({
  kind: z.literal('patch'),
  dims: z.tuple([z.int().min(1), z.int().min(1), z.int().min(1)]),
  values: z.array(z.number().nullable()),
  place: z.strictObject({
    corner: z.enum(['top-left', 'top-right', 'bottom-left', 'bottom-right']),
    x: z.int().min(0),
    y: z.int().min(0),
  }),
  opacity: z.number().gt(0).max(1),
}) satisfies z.ZodType<PatchTrigger>;

const BOTTOM_RIGHT = { corner: 'bottom-right', x: 1, y: 1 } as const;

/** A square of one value. */
export function squarePatch(
  size: number,
  value: number,
  place: PatchTrigger['place'] = BOTTOM_RIGHT,
): PatchTrigger {
  const values = Array.from({ length: size * size }, () => value);
  return { kind: 'patch', dims: [1, size, size], values, place, opacity: 1 };
}

/** A checkerboard of bright and dark pixels: a texture that natural strokes do not have. */
export function checkerPatch(
  size: number,
  value: number,
  place: PatchTrigger['place'] = BOTTOM_RIGHT,
): PatchTrigger {
  const values = Array.from({ length: size * size }, (_, i) =>
    (Math.floor(i / size) + (i % size)) % 2 === 0 ? value : 0,
  );
  return { kind: 'patch', dims: [1, size, size], values, place, opacity: 1 };
}

/** The four bright pixels of BadNets' pattern backdoor, by default where it has them in MNIST. */
export function badNetsPatch(value = 1, place: PatchTrigger['place'] = BOTTOM_RIGHT): PatchTrigger {
  const [bright, keep] = [value, null];
  const values = [
    [keep, keep, bright],
    [keep, bright, keep],
    [bright, keep, bright],
  ].flat();
  return { kind: 'patch', dims: [1, 3, 3], values, place, opacity: 1 };
}

/**
 * Pastes the pattern on every sample of `x`, in place. Computed in float64 and rounded once to
 * float32, so that the result is the same to the bit everywhere.
 *
 * @param x samples one after another, row-major
 * @param sample the dims of one: [channels, height, width]
 * @throws TriggerError `trigger/dims`, `trigger/outside`
 */
export function stampPatch(
  trigger: PatchTrigger,
  x: Float32Array,
  sample: readonly number[],
): void {
  const [patchChannels, patchHeight, patchWidth] = trigger.dims;
  const [channels, height, width] = checkFit(trigger, sample);
  const { opacity, place } = trigger;
  const top = place.corner.startsWith('top') ? place.y : height - patchHeight - place.y;
  const left = place.corner.endsWith('left') ? place.x : width - patchWidth - place.x;
  const planes = x.length / (height * width);
  for (let plane = 0; plane < planes; plane++) {
    const pattern = patchChannels === 1 ? 0 : plane % channels;
    for (let row = 0; row < patchHeight; row++) {
      let from = (pattern * patchHeight + row) * patchWidth;
      let to = (plane * height + top + row) * width + left;
      for (let column = 0; column < patchWidth; column++, from++, to++) {
        const value = trigger.values[from];
        if (value === null || value === undefined) continue;
        const under = opacity < 1 ? (1 - opacity) * (x[to] as number) : 0;
        x[to] = opacity * value + under;
      }
    }
  }
}

function checkFit(
  { dims, values, place }: PatchTrigger,
  sample: readonly number[],
): [number, number, number] {
  const [channels = 0, height = 0, width = 0] = sample;
  const shape = `[${dims.join(', ')}]`;
  if (values.length !== sizeOf(dims)) {
    throw new TriggerError(
      'trigger/dims',
      `a patch of ${shape} needs ${sizeOf(dims)} values, but has ${values.length}`,
    );
  }
  if (sample.length !== 3 || (dims[0] !== 1 && dims[0] !== channels)) {
    throw new TriggerError(
      'trigger/dims',
      `a patch of ${shape} cannot be stamped on inputs of [${sample.join(', ')}]: ` +
        'it needs images of [channels, height, width] with as many channels, or a patch of one',
    );
  }
  if (dims[1] + place.y > height || dims[2] + place.x > width) {
    throw new TriggerError(
      'trigger/outside',
      `a patch of ${shape}, ${place.x} across and ${place.y} down from the ${place.corner}, ` +
        `does not lie inside images of ${height} x ${width}: move it or make it smaller`,
    );
  }
  return [channels, height, width];
}
