/** An image in bytes: row-major, with interleaved channels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 is gray, 3 is red, green and blue. */
  readonly channels: number;
  readonly pixels: Uint8Array;
}

/**
 * Converts an image to gray or to color. Gray is the luma of ITU-R BT.601 in Pillow's integer arithmetic, the
 * same as `convert('L')`.
 */
export function inChannels(picture: Picture, channels: number): Picture {
  const { width, height, pixels } = picture;
  if (picture.channels === channels) return picture;
  const area = width * height;
  const made = new Uint8Array(area * channels);
  if (picture.channels === 1) {
    for (let i = 0, at = 0; i < area; i += 1) {
      for (let c = 0; c < channels; c += 1) made[at++] = pixels[i] as number;
    }
  } else {
    for (let i = 0, at = 0; i < area; i += 1) {
      const red = pixels[at++] as number;
      const green = pixels[at++] as number;
      const blue = pixels[at++] as number;
      made[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    }
  }
  return { width, height, channels, pixels: made };
}

/** Crops the center of an image, which must be at least as large. */
export function center(picture: Picture, width: number, height: number): Picture {
  const { channels, pixels } = picture;
  if (picture.width === width && picture.height === height) return picture;
  const left = Math.round((picture.width - width) / 2);
  const top = Math.round((picture.height - height) / 2);
  const made = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row += 1) {
    const from = ((top + row) * picture.width + left) * channels;
    made.set(pixels.subarray(from, from + width * channels), row * width * channels);
  }
  return { width, height, channels, pixels: made };
}

/** The pixels as [channels, height, width]. */
export function planesOf({ channels, pixels }: Picture): Uint8Array {
  if (channels === 1) return pixels;
  const area = pixels.length / channels;
  const planes = new Uint8Array(pixels.length);
  for (let i = 0; i < area; i += 1) {
    for (let c = 0; c < channels; c += 1) planes[c * area + i] = pixels[i * channels + c] as number;
  }
  return planes;
}
