/**
 * One toy of each thing that can be added from outside: an object with the interface of its table, in no
 * file of the project.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type DataFormat, FORMATS } from '../src/data/index.ts';
import {
  type Attack,
  ATTACKS,
  attacksOn,
  classification,
  digitNetwork,
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
import {
  type Defense,
  DEFENSES,
  inSequence,
  repair,
  repairedFile,
  type Step,
} from '../src/defense/index.ts';
import { fineTuning } from '../src/defense/methods/fine-tuning/fine-tuning.ts';
import { tuningSettings } from '../src/defense/methods/fine-tuning/settings.ts';
import { mergeEdits, openData } from '../src/network/index.ts';
import { sha256Of } from '../src/onnx/file.ts';
import { decodeModel, encodeModel, type TensorOf } from '../src/onnx/index.ts';
import { recordFromJson, recordOf, recordToJson, renderReport } from '../src/report/index.ts';
import { testRuntime } from './helpers/gradcheck.ts';
import { rows, rowsTask } from './helpers/lab.ts';
import { images, specimen } from './helpers/networks.ts';

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

describe('defense', () => {
  const settings = z.strictObject({ factor: z.number().min(0).max(1).default(0.5) });

  /** Shrinks every bias. */
  const shrinkBiases: Defense<z.output<typeof settings>> = {
    name: 'shrink-biases',
    description: 'multiply biases by a factor',
    source: 'nowhere',
    settings,
    async run(context, from, { factor }) {
      const { graph, parameters } = from.network;
      const biases = parameters.filter((name) => name.endsWith('.bias'));
      const initializers = new Map(graph.initializers);
      for (const [index, name] of biases.entries()) {
        const bias = initializers.get(name) as TensorOf<'float32'>;
        initializers.set(name, { ...bias, data: bias.data.map((value) => factor * value) });
        context.progress('shrink biases', index + 1, biases.length);
      }
      const step: Step = {
        kind: 'shrinking',
        by: 'shrink-biases',
        summary: `${biases.length} biases were shrunk`,
        seconds: 0,
        data: { factor, biases },
      };
      return {
        ...from,
        network: { ...from.network, graph: { ...graph, initializers } },
        edits: mergeEdits(from.edits, { weights: new Set(biases), insertions: [] }),
        steps: [...from.steps, step],
      };
    },
  };
  const defenses = [...DEFENSES, shrinkBiases];
  const bytes = encodeModel(specimen('Conv with bias').model);
  const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
  const run = async (options: object) =>
    repair(await testRuntime(), file.model, images(20), {
      method: 'shrink-biases',
      defenses,
      ...options,
    });

  test('a new one runs with its settings, and its edits are in the file', async () => {
    const stages = new Set<string>();
    const made = await run({ factor: 0.25, onProgress: (stage: string) => stages.add(stage) });
    expect(made.outcomes.map(({ method }) => method)).toEqual(['none', 'shrink-biases']);
    expect([...stages]).toContain('shrink biases');
    const written = decodeModel(repairedFile(file, made).bytes).graph.initializers;
    const before = file.model.graph.initializers.get('conv1.bias')?.data as Float32Array;
    expect(written.get('conv1.bias')?.data).toEqual(before.map((value) => 0.25 * value));
    expect(made.verdict.text).toContain('biases were shrunk');
  });

  test('its settings are checked, and have their defaults', async () => {
    await expect(run({ factor: 2 })).rejects.toMatchObject({ code: 'defense/settings' });
    await expect(run({ epochs: 2 })).rejects.toMatchObject({ code: 'defense/settings' });
    const { outcomes } = await run({});
    expect(outcomes.at(-1)?.steps[0]?.data).toMatchObject({ factor: 0.5 });
  });

  test('it is a part of others in sequence, and the record and the report show its step', async () => {
    const both = inSequence(
      { name: 'shrink-and-tune', description: 'both', source: 'nowhere' },
      z.strictObject({ ...tuningSettings.shape, ...settings.shape }),
      shrinkBiases,
      fineTuning,
    );
    const runtime = await testRuntime();
    const made = await repair(runtime, file.model, images(20), {
      method: 'shrink-and-tune',
      defenses: [...defenses, both],
      compare: true,
      epochs: 1,
      rate: 0.01,
    });
    expect(made.outcomes.map(({ method, steps }) => [method, steps.map(({ by }) => by)])).toEqual([
      ['none', []],
      ['fine-tuning', ['fine-tuning']],
      ['shrink-biases', ['shrink-biases']],
      ['shrink-and-tune', ['shrink-biases', 'fine-tuning']],
    ]);
    const files = { input: { path: 'a.onnx', sha256: file.sha256 } };
    const record = await recordOf(made, {
      ...files,
      command: 'toy',
      runtime,
      output: files.input,
      source: 'synthetic',
      seconds: 1,
    });
    const text = await renderReport(recordFromJson(recordToJson(record)));
    expect(text).toContain('shrink-biases: shrinking');
    expect(text).toContain('biases were shrunk.');
  });
});

describe('data format', () => {
  /** Lines of a label and the brightness of a sample of 28 x 28. */
  const shades: DataFormat = {
    name: 'shades',
    description: 'a .shades file',
    content: 'samples',
    matches: (path, { isFolder }) => !isFolder && path.endsWith('.shades'),
    async read(path, { name }) {
      const lines = (await readFile(path, 'utf8')).trim().split('\n');
      const fields = lines.map((line) => line.split(' '));
      return {
        whole: {
          name,
          labels: fields.map(([label]) => label as string),
          where: (index) => `${path}, line ${index + 1}`,
          async read(index) {
            const values = new Float32Array(28 * 28).fill(Number(fields[index]?.[1]));
            return { kind: 'numbers', dims: [28, 28], values };
          },
        },
      };
    },
  };
  const model = digitNetwork(1);

  test('a new format is opened for a model, alone and as the test data', async () => {
    const path = join(folder, 'grays.shades');
    await writeFile(path, '7 0.25\n1 0.5\n7 0.75\n1 1\n');
    const formats = [...FORMATS, shades];
    const { validation, test: halves } = await openData(path, { for: model, formats });
    expect([validation.length, halves.clean.length]).toEqual([2, 2]);
    const { test } = await openData(path, { for: model, formats, testData: path });
    expect([...test.clean.labels]).toEqual([7, 1, 7, 1]);
    const x = new Float32Array(28 * 28);
    await test.clean.read([2], x);
    expect(new Set(x)).toEqual(new Set([0.75]));
  });

  test('without it in the table, the file is refused, and what can be read is named', async () => {
    const path = join(folder, 'unknown.shades');
    await writeFile(path, '7 0.25\n');
    await expect(openData(path, { for: model })).rejects.toMatchObject({
      code: 'data/format',
      message: expect.stringMatching(/unknown\.shades is no data.*a \.npz file/) as unknown,
    });
  });
});
