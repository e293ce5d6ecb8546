import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filters, presets } from '../data/index.ts';
import { digitNetwork, squarePatch, triggerJson } from '../lab/index.ts';
import { addDataOptions, dataFrom, type DataOptions } from './data.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-cli-data-'));
  for (let label = 0; label < 10; label += 1) {
    await mkdir(join(folder, 'digits', String(label)), { recursive: true });
    for (const name of ['a.pgm', 'b.pgm']) {
      await writeFile(join(folder, 'digits', String(label), name), `P2 1 1 255 ${label}`);
    }
  }
  await writeFile(join(folder, 'digits', '3', 'bad.png'), 'x');
});
afterAll(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();

/** Reads data as a command with these arguments does, and what it says as it goes. */
async function read(...args: readonly string[]) {
  const said: string[] = [];
  const stages = new Set<string>();
  const progress = {
    say: (text: string) => void said.push(text),
    at: (stage: string) => void stages.add(stage),
    end() {},
  };
  const command = addDataOptions(new Command()).option('--seed <n>', '', Number, 0).exitOverride();
  command.parse(['--data', join(folder, 'digits'), '--skip-bad', ...args], { from: 'user' });
  const options = command.opts<DataOptions>();
  return { ...(await dataFrom(digitNetwork(1), options, { progress, signal })), said, stages };
}

describe('options of data', () => {
  test('apply to the data, and are reported', async () => {
    const args = ['--seed', '3', '--preprocess', 'imagenet', '--mean', '0.5', '--crop', '30'];
    const { validation, test, settings, said, stages } = await read(...args);
    expect([validation.length, test.clean.length]).toEqual([10, 10]);
    expect(settings).toMatchObject({
      preprocess: { mean: [0.5], std: [0.229, 0.224, 0.225], crop: 30 },
      unreadable: 1,
    });
    expect(said).toEqual([
      expect.stringMatching(/^10 validation samples, 10 test samples \(halves of .* by seed 3/),
      '1 samples cannot be read and are left out',
    ]);
    expect([...stages]).toEqual([`read ${join(folder, 'digits')}`]);
  });

  test('name a trigger file, which is stamped on the test data', async () => {
    const file = join(folder, 'trigger.json');
    const target = { kind: 'all-to-one', label: 7 } as const;
    await writeFile(file, triggerJson({ trigger: squarePatch(1, 1), target }));
    const { test } = await read('--trigger', file);
    expect(test.triggered).toMatchObject({ target, dataset: { length: 10 } });
    await expect(read('--trigger', file, '--triggered', folder)).rejects.toThrow(/--trigger\)/);
    await expect(read('--trigger', file, '--target', '7')).rejects.toThrow(/--target/);
  });

  test('name what there is', () => {
    const help = addDataOptions(new Command()).helpInformation();
    for (const name of [...presets, ...filters]) expect(help).toContain(name);
  });

  test.each([
    [['--crop', 'all'], /whole number/],
    [['--mean', '1,2'], /one number, or three/],
    [['--size', '224x'], /height x width/],
    [['--layout', 'CHW'], /NCHW, NHWC/],
    [['--resize', 'cubic'], /nearest, bilinear/],
  ])('%j is wrong usage', (args, says) => {
    const command = addDataOptions(new Command())
      .exitOverride()
      .configureOutput({ writeErr() {} });
    expect(() => command.parse(['--data', 'x', ...args], { from: 'user' })).toThrow(says);
  });
});
