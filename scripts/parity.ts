/**
 * Compares gradients of networks at the size at which people ship them with PyTorch's, on a machine
 * that has PyTorch 1.13 and torchvision: npm run parity [-- NAME ...]
 *
 * $PYTHON says which Python. Prints a table, and ends with 1 where a gradient is off by more than
 * 1e-3 of the largest of its tensor: in the first run or, where units lie at a kink, in every one of
 * 16 (see `compare`). Gradients that PyTorch's own float32 knows no better are counted apart.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nodeRuntime } from '../src/runtime/index.ts';
import { compare, familiesIn, readFamily, TOLERANCE } from '../test/helpers/families.ts';

const NAMES = `
  alexnet squeezenet1_1 resnet18 resnet50 resnext50_32x4d densenet121 googlenet inception_v3
  mobilenet_v2 mobilenet_v3_large mnasnet1_0 shufflenet_v2_x1_0 efficientnet_b0 regnet_y_400mf
  convnext_tiny vit_b_32 swin_t maxvit_t unet lstm vgg11_bn`
  .trim()
  .split(/\s+/);
const RUNS = 16;

const python = [process.env['PYTHON'], 'python3', '/usr/bin/python3'].find(
  (candidate) =>
    candidate &&
    spawnSync(candidate, ['-c', 'import torch, torchvision, onnx'], { stdio: 'ignore' }).status ===
      0,
);
if (!python) {
  console.error('No Python with torch, torchvision and onnx is here: name one as $PYTHON');
  process.exit(2);
}

const script = fileURLToPath(new URL('golden/families.py', import.meta.url));
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : NAMES;
const runtime = await nodeRuntime();
let failures = 0;

console.log(
  row([
    'network',
    'nodes',
    'parameters',
    'elements',
    'loss',
    'gradient',
    'runs',
    'kinks: ours, torch',
    'build s',
    'run s',
  ]),
);
for (const name of names) {
  const folder = mkdtempSync(join(tmpdir(), 'fineprune-parity-'));
  try {
    const made = spawnSync(python, [script, '--full', folder, name], { encoding: 'utf8' });
    if (made.status !== 0) {
      failures += 1;
      console.log(`${name}: PyTorch failed\n${made.stderr.split('\n').slice(-4).join('\n')}`);
      continue;
    }
    const url = pathToFileURL(`${folder}/`);
    for (const form of familiesIn(url)) await check(url, form);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
console.log(failures === 0 ? 'all agree' : `${failures} do not agree`);
process.exitCode = failures === 0 ? 0 : 1;

async function check(folder: URL, form: string): Promise<void> {
  try {
    const { golden, model } = readFamily(folder, form);
    const found = await compare(runtime, model, golden, RUNS);
    const right = found.error < TOLERANCE && found.loss < TOLERANCE && found.missed.length === 0;
    if (!right) failures += 1;
    console.log(
      row([
        form,
        `${found.nodes} + ${found.gradientNodes}`,
        found.parameters,
        found.elements,
        found.loss.toExponential(1),
        found.error.toExponential(1),
        found.runs,
        found.kinks.parameters === 0
          ? '-'
          : `${found.kinks.parameters}: ${found.kinks.error.toExponential(1)}, ${found.kinks.torch.toExponential(1)}`,
        found.seconds.build.toFixed(2),
        found.seconds.run.toFixed(2),
        ...(right ? [] : [`WRONG: ${found.worst} ${found.missed.join(' ')}`]),
      ]),
    );
  } catch (error) {
    failures += 1;
    console.log(`${form}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function row(cells: readonly (string | number)[]): string {
  const widths = [26, 13, 10, 10, 8, 8, 5, 20, 8, 6];
  return cells.map((cell, index) => String(cell).padEnd(widths[index] ?? 0)).join(' ');
}
