import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RawSample } from '../../data/index.ts';
import { drawnFaces } from './drawn-faces.ts';
import { peopleSource } from './people.ts';

const pixelsOf = (raw: RawSample) => (raw.kind === 'picture' ? raw.picture.pixels : undefined);

const faces = (seed: number) => drawnFaces({ people: 3, each: 4, side: 24, seed });

const apart = (a: number[], b: number[]) =>
  a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);

describe('drawn faces', () => {
  test('are as many as asked for, each person by name', () => {
    expect(faces(1).labels).toEqual(
      ['person-0', 'person-1', 'person-2'].flatMap((name) => [name, name, name, name]),
    );
  });

  test('are the same for the same seed, whatever was drawn before, and others for another', async () => {
    const one = faces(1);
    await one.read(3);
    const again = pixelsOf(await one.read(7));
    expect(again).toEqual(pixelsOf(await faces(1).read(7)));
    expect(again).not.toEqual(pixelsOf(await faces(2).read(7)));
  });

  test('differ more between people than between pictures of one', async () => {
    const source = drawnFaces({ people: 12, each: 12, side: 24, seed: 5 });
    const all = await Promise.all(
      source.labels.map(async (_, i) => pixelsOf(await source.read(i))),
    );
    const mean = (who: number, from: number) =>
      Array.from({ length: 24 * 24 * 3 }, (_, at) => {
        let sum = 0;
        for (let i = 0; i < 6; i += 1) sum += all[12 * who + from + i]?.[at] ?? NaN;
        return sum / 6;
      });
    const first = Array.from({ length: 12 }, (_, who) => mean(who, 0));
    const right = first.filter((_, who) => {
      const other = mean(who, 6);
      const distances = first.map((face) => apart(face, other));
      return distances.indexOf(Math.min(...distances)) === who;
    });
    // By chance it would be one.
    expect(right.length).toBeGreaterThanOrEqual(8);
  });
});

async function album() {
  const folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  for (const [name, count] of [
    ['Ann', 2],
    ['Bob', 5],
    ['Cleo', 3],
  ] as const) {
    await mkdir(join(folder, name));
    for (let i = count; i > 0; i -= 1) await writeFile(join(folder, name, `${i}.png`), '');
    await writeFile(join(folder, name, 'notes.txt'), '');
  }
  return folder;
}

describe('people in folders', () => {
  test('who has few pictures is left out, and of many the first are taken', async () => {
    const folder = await album();
    const source = await peopleSource(folder, 3, 4);
    expect(source.labels).toEqual(['Bob', 'Bob', 'Bob', 'Bob', 'Cleo', 'Cleo', 'Cleo']);
    expect(source.where(0)).toBe(join(folder, 'Bob', '1.png'));
  });

  test('nobody with enough is an error', async () => {
    await expect(peopleSource(await album(), 6, 6)).rejects.toMatchObject({ code: 'data/empty' });
  });
});
