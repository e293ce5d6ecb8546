import { arch, cpus, platform, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { nodeRuntime } from '../src/runtime/index.ts';
import { type About, RESULTS, writeRows } from './results.ts';
import type { Context, Section } from './section.ts';
import { curve } from './sections/curve.ts';
import { defend } from './sections/defend.ts';
import { evaluation } from './sections/evaluation.ts';
import { large } from './sections/large.ts';
import { memory } from './sections/memory.ts';
import { peaks } from './sections/peaks.ts';
import { scale } from './sections/scale.ts';
import { startup } from './sections/startup.ts';
import { training } from './sections/training.ts';
import { openTorch } from './torch.ts';

/**
 * npm run bench -- [section or network ...] [--threads 1,2] [--runs 9]
 *
 * Results are merged into bench/results.json.
 */
const sections = [
  training,
  evaluation,
  curve,
  defend,
  memory,
  peaks,
  startup,
  scale,
  large,
] as readonly Section[];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1,2' },
    runs: { type: 'string', default: '9' },
  },
});
const named = sections.filter((section) => positionals.includes(section.name));
const torch = await openTorch();
const context: Context = {
  torch,
  only: positionals.filter((word) => !sections.some((section) => section.name === word)),
  threads: values.threads.split(',').map(Number),
  runs: Number(values.runs),
  print: (line) => console.log(line),
};
const runtime = await nodeRuntime();
const about: About = {
  node: process.version,
  onnxruntime: `${runtime.version} (${runtime.backend})`,
  torch: torch?.version ?? null,
  platform: `${platform()} ${arch()}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
};
context.print(
  Object.entries(about)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n'),
);
if (!torch) {
  context.print(
    'No Python with PyTorch was found, so only our own times are measured: set PYTHON to one that has it.',
  );
}
try {
  for (const section of named.length > 0 ? named : sections) {
    context.print(`\n${section.name}`);
    writeRows(section, about, await section.run(context));
  }
} finally {
  torch?.close();
}
context.print(`\nwritten to ${RESULTS}`);
