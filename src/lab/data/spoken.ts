import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, type Source, filesSource, type LabeledFile } from '../../data/index.ts';

/** Recordings of digits, and the take number of each. */
export interface SpokenDigits {
  readonly source: Source;
  readonly takes: Int32Array;
}

const NAME = /^(\d)_([^_]+)_(\d+)\.wav$/;

/**
 * Spoken digits from a folder of `{digit}_{speaker}_{take}.wav`, the file names of the Free Spoken Digit
 * Dataset (Jackson et al.). Other files are ignored.
 *
 * @throws DataError `data/missing`, `data/empty`
 */
export async function spokenDigits(folder: string, name: string): Promise<SpokenDigits> {
  const found = await readdir(folder).catch((cause: Error) => {
    throw new DataError(
      'data/missing',
      `${folder} cannot be read (${cause.message}): it must have recordings such as 7_george_0.wav`,
      { cause },
    );
  });
  const files: LabeledFile[] = [];
  const takes: number[] = [];
  for (const file of found.sort()) {
    const [, label, , take] = NAME.exec(file) ?? [];
    if (label === undefined) continue;
    files.push({ path: join(folder, file), label });
    takes.push(Number(take));
  }
  if (files.length === 0) {
    throw new DataError(
      'data/empty',
      `${folder} has no recordings: name them by digit, speaker and take, such as 7_george_0.wav`,
    );
  }
  return { source: filesSource(name, files), takes: Int32Array.from(takes) };
}
