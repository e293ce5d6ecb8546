/** Parts of the schemas of reports. */
import * as z from 'zod';

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

export const image = z.union([
  z
    .string()
    .regex(/^data:image\/png;base64,[A-Za-z0-9+/]+={0,2}$/, 'expected a PNG data URI')
    .describe('PNG as a data URI'),
  z
    .object({
      width: z.int().positive().max(4096),
      height: z.int().positive().max(4096),
      channels: z.union([z.literal(1), z.literal(3), z.literal(4)]),
      pixels: z.array(z.int().min(0).max(255)).describe('Row-major, channels interleaved'),
    })
    .refine((i) => i.pixels.length === i.width * i.height * i.channels, {
      message: 'pixels must number width * height * channels',
    }),
]);
