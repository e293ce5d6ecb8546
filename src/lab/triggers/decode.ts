import { decodeWav } from '../../data/audio/wav.ts';
import { TriggerError } from './error.ts';
import type { BesideFile, Picture } from './picture.ts';
import type { Recording } from './sound.ts';

const MOST_PIXELS = 4096 * 4096;

/**
 * A picture file as a picture: gray ones have one channel, others red, green and blue; transparency
 * becomes alpha. Bytes are kept as they are, 0 as `low` and 255 as `high`.
 *
 * @throws TriggerError 'trigger/file' where it is no picture
 */
export async function decodePicture(
  file: BesideFile,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const { data, info, gray, clear } = await decoded();
  const area = info.width * info.height;
  const channels = gray ? 1 : 3;
  const values = Array.from({ length: channels * area }, (_, i) => {
    const byte = data[4 * (i % area) + Math.floor(i / area)] as number;
    return low + (high - low) * (byte / 255);
  });
  return {
    dims: [channels, info.height, info.width],
    values,
    ...(clear && {
      alpha: Array.from({ length: area }, (_, at) => (data[4 * at + 3] as number) / 255),
    }),
    from: { file, low, high },
  };

  async function decoded() {
    try {
      const image = sharp(file.bytes, { limitInputPixels: MOST_PIXELS });
      const { space, hasAlpha } = await image.metadata();
      const raw = await image
        .toColorspace('srgb')
        .ensureAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return { ...raw, gray: space === 'b-w' || space === 'grey16', clear: hasAlpha };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TriggerError('trigger/file', `${file.name} is no picture: ${reason}`, { cause });
    }
  }
}

/**
 * A WAV file as a recording.
 *
 * @param rate - samples a second of the waveforms that it is added to
 * @throws TriggerError 'trigger/file' where it is none, or of another rate
 */
export function decodeRecording(file: BesideFile, rate: number): Recording {
  const wave = decodedWav(file);
  if (wave.rate !== rate) {
    throw new TriggerError(
      'trigger/file',
      `${file.name} has ${wave.rate} samples a second, the trigger ${rate}: resample it`,
    );
  }
  return { samples: [...wave.samples], from: file };
}

function decodedWav(file: BesideFile) {
  try {
    return decodeWav(file.bytes, file.name);
  } catch (cause) {
    throw new TriggerError('trigger/file', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
