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
  type Attack,
  ATTACKS,
  attacksOn,
  classification,
  jsonOf,
  needsClean,
  plainJson,
  poison,
  previewOf,
  readTrigger,
  TASKS,
  taskNamed,
  trainNetworks,
  TRIGGERS,
  triggered,
  triggerJson,
  type TriggerKind,
} from '../src/lab/index.ts';
import { testRuntime } from './helpers/gradcheck.ts';
import { rows, rowsTask } from './helpers/lab.ts';

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

describe('attack', () => {
  /** Does nothing: its network is the clean one. */
  const idle: Attack = {
    name: 'idle',
    description: 'leaves the clean network as it is',
    source: 'none',
    fits: ({ name }) => name === 'rows',
    startsFromClean: () => true,
    async run({ clean, progress }) {
      if (!clean) throw new Error('no clean network');
      progress('rest', 1, 1);
      return { model: clean, decoys: [1] };
    },
  };
  const table = { ...ATTACKS, idle: async () => idle };

  test('a new attack is listed for tasks that it fits, and run by the experiment', async () => {
    expect(await attacksOn(rowsTask, table)).toEqual(['none', 'baseline', 'pruning-aware', 'idle']);
    expect(await attacksOn({ ...rowsTask, name: 'columns' }, table)).not.toContain('idle');
    const stages: string[] = [];
    const { networks, clean } = await trainNetworks(
      await testRuntime(),
      { ...rowsTask, training: { ...rowsTask.training, epochs: 1 } },
      await rowsTask.load(1),
      { seed: 1, attacks: ['idle'], table, onProgress: (stage) => stages.push(stage) },
    );
    expect(networks).toMatchObject([{ attack: 'idle', decoys: [1] }]);
    expect(networks[0]?.model).toBe(clean?.model);
    expect(stages.at(-1)).toBe('idle attack: rest');
  });
});

describe('task', () => {
  test('a new task is found by its name', async () => {
    const tasks = { ...TASKS, rows: async () => rowsTask };
    expect(await taskNamed('rows', tasks)).toBe(rowsTask);
    await expect(taskNamed('rows')).rejects.toMatchObject({ code: 'task/unknown' });
  });
});

describe('network kind', () => {
  test('the experiment asks a new kind where the baseline attack starts', async () => {
    const kind = { ...classification, baselineFrom: 'clean' as const };
    expect(await needsClean(rowsTask, ['baseline'])).toBe(false);
    expect(await needsClean({ ...rowsTask, kind }, ['baseline'])).toBe(true);
  });
});
