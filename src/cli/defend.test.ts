import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dump } from 'npyjs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fineprune } from '../../test/helpers/cli.ts';
import { built, CLASSES, images, SAMPLE, specimen } from '../../test/helpers/networks.ts';
import { flatten, linear } from '../lab/networks/layers.ts';
import { encodeModel, type Model, sizeOf } from '../onnx/index.ts';

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-defend-'));
  const dataset = images(120, 2);
  const { length, labels } = dataset;
  const x = new Float32Array(length * sizeOf(SAMPLE));
  await dataset.read([...labels.keys()], x);
  const arrays = { x: dump(x, [length, ...SAMPLE]), y: dump(labels, [length]) };
  await mkdir(at('data'));
  for (const [name, bytes] of Object.entries(arrays)) {
    await writeFile(at('data', `${name}.npy`), new Uint8Array(bytes));
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs `defend` without a scan, its results in a folder of its own. */
async function defend(
  model: Model,
  name: string,
  how: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  await writeFile(at(`${name}.onnx`), encodeModel(model));
  const args = ['defend', at(`${name}.onnx`), '--data', at('data', 'x.npy'), '--no-scan'];
  return fineprune([...args, '--out', at(name), ...how], undefined, env);
}

describe.concurrent('--cache-memory', () => {
  const { model } = specimen('Flatten: a unit becomes columns');
  const how = ['--method', 'pruning', '--full-curve'];
  const little = [...how, '--cache-memory', '1KB'];
  /** Where temporary files go, on Windows too. */
  const temporary = (path: string) => ({ TMPDIR: path, TEMP: path, TMP: path });

  test('what is beyond it goes to a temporary file, and the result is the same', async () => {
    await mkdir(at('spill'));
    const spilled = await defend(model, 'spilled', little, temporary(at('spill')));
    const held = await defend(model, 'held', how);
    expect([spilled.code, held.code]).toEqual([0, 0]);
    const files = await Promise.all(
      ['spilled', 'held'].map((name) => readFile(at(name, 'repaired.onnx'))),
    );
    expect(files[0]?.equals(files[1] as Buffer)).toBe(true);
    const left = (await readdir(at('spill'))).filter((name) => name.startsWith('fineprune-'));
    expect(left).toEqual([]);
  });

  test('where that file cannot be made, the error says so; without the flag none is needed', async () => {
    const gone = temporary(at('gone'));
    const spilled = await defend(model, 'failed', little, gone);
    expect(spilled.code).toBe(1);
    expect(spilled.err).toMatch(/error \(channels\/spill\): .*gone.*--cache-memory/);
    expect((await defend(model, 'no-spill', how, gone)).code).toBe(0);
  });
});

describe.concurrent('a network without an activation to prune', () => {
  const model = built(1, (net, x) => linear(net, flatten(net, x), 'fc', sizeOf(SAMPLE), CLASSES));

  test('is fine-tuned: that looks for no site, and prunes nothing', async () => {
    const how = ['--method', 'fine-tuning', '--epochs', '1', '--json'];
    const { code, err, out } = await defend(model, 'tuned', how);
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringContaining('fine-tune') as unknown,
    });
    expect(err).not.toMatch(/^(prune|measure activations)/m);
    const { pruned, steps } = JSON.parse(out);
    expect(pruned).toEqual([]);
    expect(steps.map(({ kind }: { kind: string }) => kind)).toEqual(['tuning']);
  });

  test('is refused by the methods that prune', async () => {
    const { code, err } = await defend(model, 'refused', ['--method', 'fine-pruning']);
    expect(code).toBe(1);
    expect(err).toContain('error (channels/no-site)');
  });
});

test('it scans before and after, and bases its verdict on that', async () => {
  await writeFile(
    at('scanned.onnx'),
    encodeModel(specimen('Flatten: a unit becomes columns').model),
  );
  const how = ['--method', 'pruning', '--share', '0.1', '--out', at('scanned'), '--json'];
  const args = ['defend', at('scanned.onnx'), '--data', at('data', 'x.npy'), ...how];
  const { out, code, err } = await fineprune(args);
  const { scan, verdict, notScanned } = JSON.parse(out);
  expect(notScanned).toBeUndefined();
  expect(err).toContain('search patch: done');
  if (scan.before.verdict === 'nothing found') {
    expect(verdict).toMatchObject({ repaired: null });
    expect(verdict.text).toContain('No backdoor was found before');
  } else {
    expect(scan.remaining).toHaveLength(scan.before.suspects.length);
    expect(verdict.repaired).not.toBeNull();
  }
  expect(code).toBe(verdict.repaired === false ? 3 : 0);
});
