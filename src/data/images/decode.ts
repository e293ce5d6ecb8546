import type { Picture } from './picture.ts';
import { decodeNetpbm, isNetpbm } from './netpbm.ts';

/** Names of files that are read as images. */
export const IMAGE_FILE = /\.(png|jpe?g|webp|ppm|pgm|pnm)$/i;

/**
 * Decodes an image file: PNG, JPEG, WebP, PPM or PGM. Like the usual loaders of training data, it drops
 * transparency, reduces 16 bits to 8, and ignores the EXIF orientation.
 *
 * @throws Error that says what is wrong, without the file's name
 */
export async function decodeImage(bytes: Uint8Array): Promise<Picture> {
  if (isNetpbm(bytes)) return decodeNetpbm(bytes);
  // Imported only when an image is read.
  const { default: sharp } = await import('sharp');
  const image = sharp(bytes, { failOn: 'error' });
  const { space } = await image.metadata();
  const gray = space === 'b-w' || space === 'grey16';
  const { data, info } = await image
    .removeAlpha()
    .toColorspace(gray ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, pixels: data };
}
