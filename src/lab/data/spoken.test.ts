import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFolder } from './package-folder.ts';
import { decodeWav, encodeWav } from '../../data/index.ts';
import { spokenDigits } from './spoken.ts';
import { syntheticSpeech } from './spoken-synthetic.ts';

/** It is optional. */
function isInstalled(): boolean {
  try {
    return packageFolder('@echogarden/espeak-ng-emscripten', '') !== '';
  } catch {
    return false;
  }
}

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-spoken-'))));
afterAll(() => rm(folder, { recursive: true }));

describe('a folder of spoken digits', () => {
  test('says of each recording what digit and which take it is', async () => {
    const wav = encodeWav({ rate: 8000, samples: Float32Array.of(0.5, -0.5) });
    for (const name of ['7_ann_12.wav', '0_en-us+m1_0.wav', 'README.md', '12_ann_1.wav']) {
      await writeFile(join(folder, name), wav);
    }
    const { source, takes } = await spokenDigits(folder, 'some');
    expect(source).toMatchObject({ name: 'some', labels: ['0', '7'] });
    expect([...takes]).toEqual([0, 12]);
    expect(await source.read(1)).toMatchObject({ kind: 'sound', sound: { rate: 8000 } });
  });

  test('that is missing or holds none is refused', async () => {
    await expect(spokenDigits(join(folder, 'nowhere'), 'x')).rejects.toMatchObject({
      code: 'data/missing',
    });
    await mkdir(join(folder, 'empty'));
    await expect(spokenDigits(join(folder, 'empty'), 'x')).rejects.toMatchObject({
      code: 'data/empty',
    });
  });
});

describe.skipIf(!isInstalled())('a synthesizer', () => {
  test('speaks every digit in every voice, the same every time, once', async () => {
    const made = async (cache: string) => {
      const where = await syntheticSpeech({ voices: 2, takes: 1, cache: join(folder, cache) });
      const names = (await readdir(where)).sort();
      return { where, names, bytes: await Promise.all(names.map((n) => readFile(join(where, n)))) };
    };
    const [first, second] = [await made('a'), await made('b')];
    expect(first.names).toHaveLength(20);
    expect(second.bytes).toEqual(first.bytes);
    const { takes, source } = await spokenDigits(first.where, 'synthetic');
    expect([...new Set(takes)]).toEqual([0]);
    expect([...new Set(source.labels)]).toHaveLength(10);
    for (const [i, bytes] of first.bytes.entries()) {
      const { rate, samples } = decodeWav(bytes, first.names[i] as string);
      expect(samples.length / rate).toBeGreaterThan(0.2);
      expect(samples.length / rate).toBeLessThan(1.5);
      expect(Math.max(...samples.map(Math.abs))).toBeGreaterThan(0.05);
    }
    // What is there already is not made again.
    await writeFile(join(first.where, first.names[0] as string), 'kept');
    await syntheticSpeech({ voices: 2, takes: 1, cache: join(folder, 'a') });
    expect(await readFile(join(first.where, first.names[0] as string), 'utf8')).toBe('kept');
    expect(await readdir(join(folder, 'a'))).toHaveLength(1);
  });
});
