import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CleanNetworks, runConcurrently } from './schedule.ts';

const never = new AbortController().signal;

describe('concurrent tasks', () => {
  test('start in their order, each once, at most so many at a time', async () => {
    const begun: number[] = [];
    let [now, most] = [0, 0];
    await runConcurrently(
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

  test('after a failure, the others are told to stop and awaited, and no other starts', async () => {
    const said: string[] = [];
    const run = async (task: string, signal: AbortSignal) => {
      said.push(`${task} begins`);
      await setTimeout(task === 'bad' ? 1 : 5);
      if (task === 'bad') throw new Error('this one');
      said.push(signal.aborted ? `${task} is told` : `${task} ends`);
    };
    await expect(runConcurrently(['good', 'bad', 'late'], 2, run, never)).rejects.toThrow(
      'this one',
    );
    expect(said).toEqual(['good begins', 'bad begins', 'good is told']);
  });

  test('reject with the reason of the signal', async () => {
    const stop = new AbortController();
    const run = () => setTimeout(1).then(() => stop.abort(new Error('enough')));
    await expect(runConcurrently([1, 2, 3], 1, run, stop.signal)).rejects.toThrow('enough');
  });
});

test('jobs wait for the clean network of their seed, which the first one trains', async () => {
  const clean = new CleanNetworks();
  const said: string[] = [];
  expect(await clean.claim(1)).toBe(false);
  expect(await clean.claim(2)).toBe(false);
  const waits = [1, 2, 1].map(async (seed) => said.push(`${seed}: ${await clean.claim(seed)}`));
  await setTimeout(1);
  expect(said).toEqual([]);
  clean.release(2);
  await waits[1];
  expect(said).toEqual(['2: true']);
  clean.release(1);
  await Promise.all(waits);
  expect(said).toEqual(['2: true', '1: true', '1: true']);
});
