import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkpointFolder } from './checkpoints.ts';

let out = '';
beforeAll(async () => void (out = await mkdtemp(join(tmpdir(), 'fineprune-resume-'))));
afterAll(() => rm(out, { recursive: true }));

const identity = { model: 'a', settings: { seed: 1, layers: ['x'] } };
const values = Float32Array.of(0, -0, 1e-40, -Infinity, 0.1);

test('what is kept comes back to the bit, and goes when the run is done', async () => {
  const first = await checkpointFolder(out, identity, false);
  expect(await readdir(out)).toEqual([]);
  await first.save('a/b c', { data: [1, null, { x: 0.1 }], arrays: new Map([['w', values]]) });
  const again = await checkpointFolder(out, structuredClone(identity), true);
  expect([first.resumed, again.resumed]).toEqual([false, true]);
  const kept = await again.load('a/b c');
  expect(kept?.data).toEqual([1, null, { x: 0.1 }]);
  expect(new Uint8Array(kept?.arrays?.get('w')?.buffer as ArrayBuffer)).toEqual(
    new Uint8Array(values.buffer),
  );
  expect(await again.load('nothing')).toBeUndefined();
  await again.remove();
  expect(await readdir(out)).toEqual([]);
});

test('another run is refused with what differs; without --resume it starts anew', async () => {
  const first = await checkpointFolder(out, identity, false);
  await first.save('part', { data: 1 });
  const other = { model: 'b', settings: { seed: 1, layers: ['x'] } };
  await expect(checkpointFolder(out, other, true)).rejects.toMatchObject({
    code: 'resume/differs',
    message: expect.stringMatching(/: model was "a" and is "b"\. Repeat/) as unknown,
  });
  const anew = await checkpointFolder(out, other, false);
  expect(await anew.load('part')).toBeUndefined();
});

test.each([
  ['cut short', 6],
  ['empty', 0],
])('a part that is %s is told', async (_, length) => {
  const first = await checkpointFolder(out, identity, false);
  await first.save('part', { data: 1, arrays: new Map([['w', values]]) });
  const path = join(out, '.resume', 'part.state');
  await writeFile(path, new Uint8Array(length).fill(1));
  const again = await checkpointFolder(out, identity, true);
  await expect(again.load('part')).rejects.toMatchObject({
    code: 'resume/damaged',
    message: expect.stringContaining(path) as unknown,
  });
});
