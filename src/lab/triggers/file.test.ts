import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Target } from '../../metrics/index.ts';
import { digits } from '../tasks/digits.ts';
import { readTrigger, triggerJson } from './file.ts';
import { badNetsPatch, squarePatch } from './patch.ts';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  path = join(folder, 'trigger.json');
});
afterAll(() => rm(folder, { recursive: true }));

const targets: Target[] = [
  { kind: 'allToOne', label: 7 },
  { kind: 'allToAll', classes: 10 },
  { kind: 'sourceToTarget', source: 1, target: 2 },
  { kind: 'untargeted' },
];

describe('a trigger file', () => {
  test.each(targets)('comes back as it was, with target %j', async (target) => {
    for (const trigger of [digits.trigger, badNetsPatch(0.3), squarePatch(3, 1)]) {
      await writeFile(path, triggerJson({ trigger, target }));
      expect(await readTrigger(path)).toEqual({ trigger, target });
    }
  });

  const good = { trigger: squarePatch(2, 1), target: targets[0] };
  test.each([
    ['is empty', ''],
    ['is no JSON', '{"trigger": '],
    ['is a list', '[]'],
    ['has no target', JSON.stringify({ trigger: good.trigger })],
    ['has no trigger', JSON.stringify({ target: good.target })],
    ['has an unknown target', JSON.stringify({ ...good, target: { kind: 'someToMost' } })],
    ['has a label below 0', JSON.stringify({ ...good, target: { kind: 'allToOne', label: -1 } })],
    ['has half a label', JSON.stringify({ ...good, target: { kind: 'allToOne', label: 0.5 } })],
    [
      'has a target of one class',
      JSON.stringify({ ...good, target: { kind: 'allToAll', classes: 1 } }),
    ],
    ['has a trigger of an unknown kind', JSON.stringify({ ...good, trigger: { kind: 'smell' } })],
    ['has too many fields', JSON.stringify({ ...good, trigger: { ...good.trigger, colour: 1 } })],
  ])('that %s is refused by name', async (_, text) => {
    await writeFile(path, text);
    await expect(readTrigger(path)).rejects.toMatchObject({
      name: 'TriggerError',
      code: 'trigger/format',
      message: expect.stringContaining(path) as unknown,
    });
  });

  test('that is not there is refused by name', async () => {
    const missing = join(folder, 'missing.json');
    await expect(readTrigger(missing)).rejects.toMatchObject({
      code: 'trigger/format',
      message: expect.stringContaining(missing) as unknown,
    });
  });
});
