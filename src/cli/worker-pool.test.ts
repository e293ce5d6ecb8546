import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CleanFirst } from './clean-first.ts';
import { sideBySide } from './worker-pool.ts';

const never = new AbortController().signal;

describe('side by side', () => {
  test('every task is done once, begun in its order, so many at a time', async () => {
    const begun: number[] = [];
    let [now, most] = [0, 0];
    await sideBySide(
      [5, 4, 3, 2, 1],
      2,
      async (task) => {
        begun.push(task);
        most = Math.max(most, ++now);
        await setTimeout(task);
        now -= 1;
      },
      never,
    );
    expect(begun).toEqual([5, 4, 3, 2, 1]);
    expect(most).toBe(2);
  });

  test('after a failure the others are told, and waited for, and none is begun', async () => {
    const said: string[] = [];
    const run = async (task: string, signal: AbortSignal) => {
      said.push(`${task} begins`);
      await setTimeout(task === 'bad' ? 1 : 5);
      if (task === 'bad') throw new Error('this one');
      said.push(signal.aborted ? `${task} is told` : `${task} ends`);
    };
    await expect(sideBySide(['good', 'bad', 'late'], 2, run, never)).rejects.toThrow('this one');
    expect(said).toEqual(['good begins', 'bad begins', 'good is told']);
  });

  test('ends with the reason of who stops it', async () => {
    const stop = new AbortController();
    const run = () => setTimeout(1).then(() => stop.abort(new Error('enough')));
    await expect(sideBySide([1, 2, 3], 1, run, stop.signal)).rejects.toThrow('enough');
  });
});

test('whoever wants the clean network of a seed waits for the first who asked, and for that seed only', async () => {
  const clean = new CleanFirst();
  const said: string[] = [];
  expect(await clean.wait(1)).toBe(false);
  expect(await clean.wait(2)).toBe(false);
  const waits = [1, 2, 1].map(async (seed) => said.push(`${seed}: ${await clean.wait(seed)}`));
  await setTimeout(1);
  expect(said).toEqual([]);
  clean.over(2);
  await waits[1];
  expect(said).toEqual(['2: true']);
  clean.over(1);
  await Promise.all(waits);
  expect(said).toEqual(['2: true', '1: true', '1: true']);
});
