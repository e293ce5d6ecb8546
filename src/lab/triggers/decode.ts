import { decodeWav } from '../../data/audio/wav.ts';
import { TriggerError } from './error.ts';
import type { Picture } from './picture.ts';
import type { Recording } from './sound.ts';
import type { AttachedFile } from './trigger.ts';

const MAX_PIXELS = 4096 * 4096;

/**
 * Decodes a picture file. Gray pictures have one channel, others red, green and blue; transparency
 * becomes alpha. Values are linear in the bytes: 0 is `low`, 255 is `high`.
 *
 * @throws TriggerError 'trigger/file' where it is not a picture
 */
export async function decodePicture(
  file: AttachedFile,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const { data, info, gray, transparent } = await decoded();
  const area = info.width * info.height;
  const channels = gray ? 1 : 3;
  const values = Array.from({ length: channels * area }, (_, i) => {
    const byte = data[4 * (i % area) + Math.floor(i / area)] as number;
    return low + (high - low) * (byte / 255);
  });
  return {
    dims: [channels, info.height, info.width],
    values,
    ...(transparent && {
      alpha: Array.from({ length: area }, (_, at) => (data[4 * at + 3] as number) / 255),
    }),
    from: { file, low, high },
  };

  async function decoded() {
    try {
      const image = sharp(file.bytes, { limitInputPixels: MAX_PIXELS });
      const { space, hasAlpha } = await image.metadata();
      const raw = await image
        .toColorspace('srgb')
        .ensureAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return { ...raw, gray: space === 'b-w' || space === 'grey16', transparent: hasAlpha };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TriggerError('trigger/file', `${file.name} is not a picture: ${reason}`, { cause });
    }
  }
}

/**
 * Decodes a WAV file.
 *
 * @param rate - samples per second of the waveforms that the recording is added to
 * @throws TriggerError 'trigger/file' where it is not a WAV file, or has another rate
 */
export function decodeRecording(file: AttachedFile, rate: number): Recording {
  const wave = decodedWav(file);
  if (wave.rate !== rate) {
    throw new TriggerError(
      'trigger/file',
      `${file.name} has ${wave.rate} samples per second, the trigger has ${rate}: resample it`,
    );
  }
  return { samples: [...wave.samples], from: file };
}

function decodedWav(file: AttachedFile) {
  try {
    return decodeWav(file.bytes, file.name);
  } catch (cause) {
    throw new TriggerError('trigger/file', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
