import { exec } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { mnist, baselineAttack, digits, triggerJson } from '../lab/index.ts';
import { take, type Dataset } from '../data/index.ts';
import { decodeModel, encodeModel, sizeOf } from '../onnx/index.ts';
import { sha256Of } from '../onnx/file.ts';
import { parseRecord, stable } from '../report/run/record.ts';
import { prunedSitesOf } from '../report/run/steps.ts';
import { type Ended, fineprune } from '../../test/helpers/cli.ts';

let folder = '';
let data = '';
let model = '';
let trigger = '';
const at = (...parts: string[]) => join(folder, ...parts);

/** The start of an IDX file of bytes. */
const header = (dims: readonly number[]) => {
  const bytes = Buffer.alloc(4 + 4 * dims.length);
  bytes.writeUInt32BE(0x0800 + dims.length);
  dims.forEach((dim, axis) => bytes.writeUInt32BE(dim, 4 + 4 * axis));
  return bytes;
};

/** MNIST's four files, with fewer images in them. */
async function writeIdx(prefix: string, dataset: Dataset): Promise<void> {
  const { length, labels } = dataset;
  const x = new Float32Array(length * sizeOf(dataset.sample));
  await dataset.read([...labels.keys()], x);
  const pixels = Buffer.from(x.map((value) => Math.round(255 * value)));
  const images = Buffer.concat([header([length, 28, 28]), pixels]);
  await writeFile(join(data, `${prefix}-images-idx3-ubyte`), images);
  const names = Buffer.concat([header([length]), Buffer.from(labels)]);
  await writeFile(join(data, `${prefix}-labels-idx1-ubyte`), names);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  [data, model, trigger] = [at('data'), at('model.onnx'), at('trigger.json')];
  await mkdir(data);
  const whole = await mnist();
  const train = take(whole.train, 1200, 1);
  await writeIdx('train', train);
  await writeIdx('t10k', take(whole.test, 300, 1));
  const attack = await baselineAttack(
    await testRuntime(),
    digits,
    { train },
    { seed: 1, epochs: 4 },
  );
  await writeFile(model, encodeModel(attack.model));
  await writeFile(trigger, triggerJson(digits));
});
afterAll(() => rm(folder, { recursive: true }));

const RATE = { rate: 0, hits: 0, of: 0, low: 0, high: 0 };
const keysOf = (value: unknown) => Object.keys(value as object);

describe.concurrent('help', () => {
  test.each([
    [[]],
    [['demo']],
    [['inspect']],
    [['evaluate']],
    [['attack']],
    [['attack', 'digits']],
    [['attack', 'preview']],
    [['reproduce']],
    [['defend']],
  ])('of %j shows examples', async (command) => {
    const { code, out, err } = await fineprune([...command, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const given = out.split('Examples:\n')[1]?.trim().split('\n') ?? [];
    expect(given.length).toBeGreaterThan(0);
    for (const line of given) expect(line.trim()).toMatch(/^\$ fineprune \w+/);
    if (command.length > 0) expect(given[0]).toContain(command.join(' '));
  });

  test('ends quietly where its reader has had enough', async () => {
    const command = `"${process.execPath}" "${inject('cli')}" defend --help | head -c 1`;
    const { stdout, stderr } = await promisify(exec)(command);
    expect({ stdout, stderr }).toEqual({ stdout: 'U', stderr: '' });
  });
});

describe.concurrent('wrong usage exits 2, before any work', () => {
  test.each([
    [['defend', 'm.onnx', '--data', 'mnist', '--max-dorp', '1'], /unknown option.*--max-drop/s],
    [['inspect'], /missing required argument 'model'/],
    [['defend', 'm.onnx'], /--data <source>/],
    [['defend', 'm.onnx', '--data', 'mnist', '--max-drop', '101'], /percentage points/],
    [['defend', 'm.onnx', '--data', 'mnist', '--step', '0'], /whole number from 1/],
    [['demonstrate'], /unknown command/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await fineprune(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toContain('ONNX Runtime');
  });
});

describe.concurrent('what a person gets wrong exits 1, with a code and what it is about', () => {
  const cases: [string, () => Promise<string[]>, string, () => string][] = [
    [
      'no such model',
      async () => ['inspect', at('none.onnx')],
      'onnx/unreadable',
      () => at('none.onnx'),
    ],
    ['data as a model', async () => ['inspect', trigger], 'onnx/', () => trigger],
    [
      'no such data',
      async () => ['evaluate', model, '--data', at('none')],
      'data/missing',
      () => at('none'),
    ],
    [
      'a model as a trigger',
      async () => ['evaluate', model, '--data', data, '--trigger', model],
      'trigger/format',
      () => model,
    ],
    [
      'a target that no class has',
      async () => {
        const path = at('twelve.json');
        const target = { kind: 'all-to-one', label: 12 } as const;
        await writeFile(path, triggerJson({ trigger: digits.trigger, target }));
        return ['evaluate', model, '--data', data, '--trigger', path];
      },
      'poison/target',
      () => '10 classes',
    ],
    [
      'no such site',
      async () => [
        'defend',
        model,
        '--no-scan',
        '--data',
        data,
        '--site',
        'relu9',
        '--out',
        at('nowhere'),
      ],
      'channels/unknown-site',
      () => '"relu2" (32 units)',
    ],
    [
      'Dropout that the model does not have',
      async () => [
        'defend',
        model,
        '--no-scan',
        '--data',
        data,
        '--dropout',
        '--out',
        at('nowhere'),
      ],
      'defense/no-dropout',
      () => '--dropout',
    ],
  ];
  test.each(cases)('%s', async (_, args, code, about) => {
    const ended = await fineprune(await args());
    expect({ code: ended.code, out: ended.out }).toEqual({ code: 1, out: '' });
    expect(ended.err).toContain(`error (${code}`);
    expect(ended.err).toContain(about());
    expect(ended.err).not.toMatch(/\n {4}at /);
    expect(existsSync(at('nowhere'))).toBe(false);
  });
});

test('an output that is there is refused before any work, and left as it was', async () => {
  const out = at('taken');
  await mkdir(out);
  await writeFile(join(out, 'report.html'), 'mine');
  // The model is missing too: which of the two is said shows what was looked at first.
  const ended = await fineprune(['defend', at('none.onnx'), '--data', data, '--out', out]);
  expect(ended.code).toBe(1);
  expect(ended.err).toMatch(/error \(file\/exists\): .*report\.html.*--force/);
  expect(ended.err).not.toContain('ONNX Runtime');
  expect(await readdir(out)).toEqual(['report.html']);
  expect(await readFile(join(out, 'report.html'), 'utf8')).toBe('mine');
});

test('inspect says in JSON where a model can be pruned', async () => {
  const { code, out } = await fineprune(['inspect', model, '--json']);
  expect(code).toBe(0);
  const found = JSON.parse(out) as Record<string, unknown>;
  expect(keysOf(found)).toEqual([
    'sha256',
    'opset',
    'producer',
    'inputs',
    'outputs',
    'nodes',
    'parameters',
    'sites',
    'defaultSites',
    'defaultSiteReason',
    'inputLogic',
    'warnings',
    'notes',
  ]);
  expect(found).toMatchObject({
    sha256: sha256Of(await readFile(model)),
    defaultSites: ['relu2'],
    inputs: [{ name: 'image', type: 'float32', dims: ['N', 1, 28, 28] }],
  });
  expect((found['sites'] as { name: string }[]).map(({ name }) => name)).toEqual([
    'relu1',
    'relu2',
    'relu3',
  ]);
});

const resultOf = ({ out }: Ended) =>
  JSON.parse(out) as Record<string, unknown> & {
    pruned: { site: string; units: number[] }[];
    model: { path: string; sha256: string };
    verdict: { repaired: boolean | null };
  };

describe('scan', () => {
  test('prints a verdict, writes its files, and says by the exit code what it found', async () => {
    const out = at('scanned');
    const args = ['scan', model, '--data', data, '--steps', '20', '--out', out];
    const { code, out: said, err } = await fineprune([...args, '--json']);
    const result = JSON.parse(said);
    expect(keysOf(result)).toEqual(['verdict', 'suspects', 'inputLogic', 'notLookedAt', 'seconds']);
    expect(code).toBe(result.verdict === 'nothing found' ? 0 : 3);
    expect(err).toContain('search patch: done');
    for (const suspect of result.suspects) {
      expect(keysOf(suspect)).toEqual(
        expect.arrayContaining(['class', 'name', 'family', 'size', 'typical', 'surrogate']),
      );
    }
    const html = await readFile(join(out, 'report.html'), 'utf8');
    expect(html).not.toContain('<script');
    const record = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'));
    expect(record).toMatchObject({ verdict: result.verdict, settings: { steps: 20 } });
    const sarif = JSON.parse(await readFile(join(out, 'scan.sarif'), 'utf8'));
    expect(sarif.runs[0].results).toHaveLength(result.suspects.length + result.inputLogic.length);
    const again = await fineprune(args);
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('--force') as unknown });
  });

  test('looks at the classes that are named, within the time that is given', async () => {
    const how = ['--classes', '1', '7', '3', '--time', '1s', '--out', at('few'), '--quiet'];
    const { out } = await fineprune(['scan', model, '--data', data, ...how]);
    expect(out).toContain('Not looked at: 7 of 10 classes');
    const record = JSON.parse(await readFile(at('few', 'report.json'), 'utf8'));
    for (const { classes } of record.families) {
      expect(classes.map((one: { class: number }) => one.class).toSorted()).toEqual([1, 3, 7]);
    }
  });

  test('refuses a class that the model does not have', async () => {
    const how = ['--classes', 'cat', 'dog', '--out', at('none')];
    const { code, err } = await fineprune(['scan', model, '--data', data, ...how, '--quiet']);
    expect(code).toBe(1);
    expect(err).toContain('There is no class "cat"');
  });
});

describe('pictures without labels', () => {
  let flat = '';
  beforeAll(async () => {
    flat = at('flat');
    await mkdir(flat);
    const { test: images } = await mnist();
    const some = take(images, 80, 1);
    const x = new Float32Array(80 * 784);
    await some.read([...some.labels.keys()], x);
    for (const index of some.labels.keys()) {
      const pixels = Buffer.from(x.subarray(index * 784, (index + 1) * 784).map((v) => 255 * v));
      const pgm = Buffer.concat([Buffer.from('P5 28 28 255\n'), pixels]);
      await writeFile(join(flat, `${index}.pgm`), pgm);
    }
  });

  test('scan takes them', async () => {
    const how = ['--steps', '5', '--out', at('flat scan'), '--json', '--quiet'];
    const { code, out, err } = await fineprune(['scan', model, '--data', flat, ...how]);
    expect(err).toBe('');
    expect([0, 3]).toContain(code);
    expect(JSON.parse(out).verdict).toBeDefined();
    const record = JSON.parse(await readFile(at('flat scan', 'report.json'), 'utf8'));
    expect(record.data).toMatchObject({ search: 40, judge: 40 });
  });

  test('defend takes the answers of the network for labels, and says so', async () => {
    const how = ['--no-scan', '--share', '0.1', '--epochs', '1', '--out', at('flat defend')];
    const { err, out } = await fineprune(['defend', model, '--data', flat, ...how, '--quiet']);
    expect(err).toBe('');
    expect(out).toContain('accuracy is agreement with the network as delivered');
    const record = parseRecord(
      JSON.parse(await readFile(at('flat defend', 'report.json'), 'utf8')),
    );
    expect(record.unlabeled).toBe(true);
    // It agrees with itself.
    expect(record.outcomes[0]?.evaluation?.acc.rate).toBe(1);
    expect(record.data[0]?.name).toContain('labeled by the network as delivered');
    const page = await readFile(at('flat defend', 'report.html'), 'utf8');
    expect(page).toContain('The data have no labels');
  });

  test('evaluate refuses them', async () => {
    const { code, err } = await fineprune(['evaluate', model, '--data', flat, '--quiet']);
    expect(code).toBe(1);
    expect(err).toContain('data/unlabeled');
  });
});

test('reproduce scan takes its own options', async () => {
  const out = at('benchmark');
  const none = ['--cases', 'no such network', '--out', out, '--seeds', '0,1', '--json'];
  const { code, out: said } = await fineprune(['reproduce', 'scan', ...none]);
  expect(code).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ lines: [], summary: { backdoored: 0, auc: null } });
  expect(await readdir(out)).toEqual(['scan.json', 'scan.md']);
});

describe('defend', () => {
  let args: string[] = [];
  let out = '';
  let first: Ended;
  beforeAll(async () => {
    out = at('defended');
    const how = ['--epochs', '2', '--seed', '3', '--threads', '1', '--json', '--force'];
    args = [
      'defend',
      model,
      '--no-scan',
      '--data',
      data,
      '--trigger',
      trigger,
      '--out',
      out,
      ...how,
    ];
    first = await fineprune(args);
  });
  const recordIn = async () =>
    parseRecord(JSON.parse(await readFile(join(out, 'report.json'), 'utf8')));

  test('repairs, reports, and prints what the design says', async () => {
    // Whether so few images repair the network is not the question here; that the code says so is.
    const result = resultOf(first);
    expect(first.code).toBe(result.verdict.repaired === false ? 3 : 0);
    expect(keysOf(result)).toEqual(
      expect.arrayContaining([
        'method',
        'verdict',
        'before',
        'after',
        'pruned',
        'steps',
        'model',
        'seed',
        'seconds',
      ]),
    );
    expect(result).toMatchObject({
      method: 'fine-pruning',
      pruned: [{ site: 'relu2' }],
      seed: 3,
      seconds: expect.any(Number) as unknown,
      model: { path: join(out, 'repaired.onnx') },
    });
    for (const evaluation of [result['before'], result['after']]) {
      expect(keysOf(evaluation)).toEqual(['acc', 'asr', 'ra']);
      for (const rate of Object.values(evaluation as object)) {
        expect(keysOf(rate)).toEqual(keysOf(RATE));
      }
    }
    const units = result.pruned[0]?.units ?? [];
    expect(new Set(units.filter((unit) => unit >= 0 && unit < 32)).size).toBe(units.length);
    expect(first.err).toMatch(/ONNX Runtime [\d.]+, native|wasm/);

    expect((await readdir(out)).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'repaired.onnx',
      'report.html',
      'report.json',
    ]);
    const bytes = await readFile(result.model.path);
    expect(sha256Of(bytes)).toBe(result.model.sha256);
    expect(Object.fromEntries(decodeModel(bytes).metadata)).toMatchObject({
      'fineprune.seed': '3',
      'fineprune.input.sha256': sha256Of(await readFile(model)),
    });
    const html = await readFile(join(out, 'report.html'), 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toContain('<script');
    const record = await recordIn();
    expect(record).toMatchObject({
      seed: 3,
      input: { path: model },
      output: result.model,
      verdict: result.verdict,
    });
    expect(record.command).toContain('--epochs 2 --seed 3');

    // The file that was written does what was reported of it.
    const how = ['--data', data, '--trigger', trigger, '--seed', '3', '--json', '--quiet'];
    const checked = await fineprune(['evaluate', result.model.path, ...how]);
    expect({ code: checked.code, err: checked.err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(checked.out)).toEqual(result['after']);
  });

  test('ends with the same bytes after it was killed and resumed', async () => {
    const record = await recordIn();
    const killed = await fineprune([...args, '--cache-memory', '1KB'], (said, signal) => {
      if (said.includes('fine-tune ...')) signal('SIGKILL');
    });
    expect(killed.code).toBeNull();
    expect(await readdir(join(out, '.resume'))).toContain(
      'fine-pruning.fine-tuning.run-1.epochs.state',
    );
    const again = await fineprune([...args, '--resume']);
    expect(again.err).toContain('Resuming');
    expect(existsSync(join(out, '.resume'))).toBe(false);
    const result = resultOf(first);
    const once = { seconds: result['seconds'], steps: result['steps'] };
    expect({ ...resultOf(again), ...once }).toEqual(result);
    expect(stable(await recordIn())).toEqual(stable(record));
  });
});

test('fine-tuning alone prunes nothing, and without a trigger nothing is claimed', async () => {
  const how = ['--method', 'fine-tuning', '--epochs', '1', '--occlusion', '0.4'];
  const args = ['--data', data, ...how, '--out', at('tuned')];
  const { code, out } = await fineprune([
    'defend',
    model,
    '--no-scan',
    ...args,
    '--json',
    '--quiet',
  ]);
  const result = JSON.parse(out) as { verdict: { repaired: null } };
  expect(result).toMatchObject({ pruned: [] });
  expect(keysOf((result as unknown as { after: object }).after)).toEqual(['acc']);
  expect([code, result.verdict.repaired]).toEqual([0, null]);
  const report = JSON.parse(await readFile(at('tuned', 'report.json'), 'utf8'));
  expect(report.outcomes.at(-1).steps).toMatchObject([
    { kind: 'tuning', data: { settings: { occlusion: 0.4, epochs: 1 } } },
  ]);
});

test('two sites, a share of each, and a slim file beside the repaired one', async () => {
  const out = at('slim');
  const sites = ['--site', 'relu2', 'relu1', '--share', '0.25', '--rank', 'max', '--slim'];
  const args = ['--data', data, '--method', 'pruning', '--out', out, ...sites];
  const ended = await fineprune(['defend', model, '--no-scan', ...args, '--json', '--quiet']);
  const result = JSON.parse(ended.out) as {
    pruned: { site: string; units: number[] }[];
    slim: { file: { path: string; sha256: string }; difference: number };
  };
  expect(result).toMatchObject({
    pruned: [{ site: 'relu2' }, { site: 'relu1' }],
    slim: { file: { path: join(out, 'slim.onnx') }, kept: [] },
  });
  expect(result.pruned.map(({ units }) => units.length)).toEqual([8, 4]);
  expect(result.slim.difference).toBeLessThan(1e-5);
  const bytes = await readFile(result.slim.file.path);
  expect(sha256Of(bytes)).toBe(result.slim.file.sha256);
  const { initializers } = decodeModel(bytes).graph;
  expect(initializers.get('conv2.weight')?.dims).toEqual([24, 12, 5, 5]);
  const record = parseRecord(JSON.parse(await readFile(join(out, 'report.json'), 'utf8')));
  expect(prunedSitesOf(record)).toMatchObject([
    { site: { name: 'relu2', units: 32 }, mask: 'producer', rank: 'max' },
    { site: { name: 'relu1', units: 16 }, mask: 'producer', rank: 'max' },
  ]);
  expect(record).toMatchObject({ slim: result.slim });
  const html = await readFile(join(out, 'report.html'), 'utf8');
  expect(html).toContain('id="curve-2"');
  expect(html).toContain('12 units are removed in');
});

test.skipIf(process.platform === 'win32')(
  'Ctrl-C ends a run with 130, and leaves nothing but what it goes on from',
  async () => {
    const out = at('interrupted');
    let interrupted = false;
    const { code, err } = await fineprune(
      ['defend', model, '--no-scan', '--data', data, '--epochs', '5000', '--out', out],
      (said, interrupt) => {
        if (interrupted || !said.includes('fine-tune ...')) return;
        interrupted = true;
        interrupt('SIGINT');
      },
    );
    expect(interrupted).toBe(true);
    expect(code).toBe(130);
    expect(err).toMatch(/Interrupted.*--resume/);
    expect(await readdir(out)).toEqual(['.resume']);

    // What is kept is of that run, and of no other.
    const resume = ['--data', data, '--out', out, '--resume', '--epochs', '2', '--seed', '5'];
    const other = await fineprune(['defend', model, '--no-scan', ...resume]);
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/error \(resume\/differs\): .*"epochs":5000.*"epochs":2/);
  },
);
