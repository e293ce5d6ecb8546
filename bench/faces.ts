import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Dataset } from '../src/data/index.ts';
import { faces, FACES_RECIPE } from '../src/lab/tasks/faces.ts';
import { sizeOf } from '../src/onnx/index.ts';
import { torchPython } from './torch.ts';

/**
 * tsx bench/faces.ts [--seeds 0,1,2] [--threads 1]
 *
 * Measures the clean accuracy of DeepID in PyTorch on the split of the task faces, with the same
 * augmentation and the same budget. `reproduce faces` gives our accuracy.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '0,1,2' },
    threads: { type: 'string', default: '1' },
  },
});
const python = torchPython();
if (python === undefined) throw new Error('no Python with PyTorch was found: set PYTHON to one');
const script = fileURLToPath(new URL('pytorch/faces.py', import.meta.url));
for (const seed of values.seeds.split(',').map(Number)) {
  const folder = mkdtempSync(join(tmpdir(), 'fineprune-bench-'));
  try {
    const { train, test } = await faces.load(seed);
    await write(folder, 'train', train);
    await write(folder, 'test', test);
    const recipe = {
      ...FACES_RECIPE,
      seed,
      classes: train.classes.length,
      threads: Number(values.threads),
    };
    writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const { stdout, status } = spawnSync(python, [script, folder], {
      stdio: [...stdio],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error('bench/pytorch/faces.py ended: its error is above');
    process.stdout.write(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function write(folder: string, name: string, dataset: Dataset): Promise<void> {
  const x = new Float32Array(dataset.length * sizeOf(dataset.sample));
  await dataset.read([...dataset.labels.keys()], x);
  writeFileSync(join(folder, `${name}-x.f32`), x);
  writeFileSync(join(folder, `${name}-y.i32`), dataset.labels);
}
