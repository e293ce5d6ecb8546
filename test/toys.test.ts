/**
 * One toy of each thing that can be added from outside: an object with the interface of its table, in no
 * file of the project.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  jsonOf,
  plainJson,
  poison,
  previewOf,
  readTrigger,
  TRIGGERS,
  triggered,
  triggerJson,
  type TriggerKind,
} from '../src/lab/index.ts';
import { rows } from './helpers/lab.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('trigger', () => {
  interface InvertSettings {
    readonly every: number;
  }

  /** Inverts every n-th value. */
  const invert: TriggerKind<InvertSettings, InvertSettings> = {
    name: 'invert',
    description: 'every n-th value inverted',
    schema: z.strictObject({ every: z.int().min(1) }),
    ...plainJson<InvertSettings>(),
    stamper: ({ every }) => {
      return (x) => {
        for (let at = 0; at < x.length; at += every) x[at] = 1 - (x[at] as number);
      };
    },
  };
  const toy = { kind: invert, settings: { every: 64 } };
  const target = { kind: 'all-to-one', label: 2 } as const;
  const json = `${JSON.stringify({ trigger: { kind: 'invert', every: 64 }, target })}\n`;

  test('a new kind is read, stamped, previewed and written', async () => {
    const path = join(folder, 'trigger.json');
    await writeFile(path, json);
    const read = await readTrigger(path, { triggers: [...TRIGGERS, invert] });
    expect(read).toEqual({ trigger: toy, target });
    expect(JSON.parse(triggerJson(read))).toEqual(JSON.parse(json));
    expect(jsonOf(toy)).toEqual({ kind: 'invert', every: 64 });

    const data = rows(12, 1);
    const { clean, triggered: stamped } = await previewOf(data, read.trigger, 2);
    const expected = clean.map((value, at) => (at % 64 === 0 ? Math.fround(1 - value) : value));
    expect(stamped).toEqual(expected);

    const first = new Float32Array(64);
    await triggered(data, read.trigger).read([0], first);
    expect(first).toEqual(expected.slice(0, 64));
    const { dataset, poisoned } = poison(data, {
      trigger: read.trigger,
      target,
      rate: 0.5,
      seed: 1,
    });
    expect([...poisoned].map((index) => dataset.labels[index])).toEqual(Array(6).fill(2));
  });

  test('without it in the table, the kind is refused, and the known ones are named', async () => {
    const path = join(folder, 'unknown.json');
    await writeFile(path, json);
    await expect(readTrigger(path)).rejects.toMatchObject({
      code: 'trigger/format',
      message: expect.stringMatching(/"invert".*blend, patch/) as unknown,
    });
  });
});
