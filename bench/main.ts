import { writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeRuntime } from '../src/runtime/index.ts';
import type { Context, Section } from './section.ts';
import { curve } from './sections/curve.ts';
import { memory } from './sections/memory.ts';
import { training } from './sections/training.ts';
import { openTorch } from './torch.ts';

/**
 * npm run bench -- [section or network ...] [--threads 1,2] [--runs 9]
 *
 * Results go to bench/results.json with the versions and the machine they were measured on.
 */
const sections: readonly Section[] = [training, curve, memory];

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
const about = {
  date: new Date().toISOString(),
  node: process.version,
  onnxruntime: `${runtime.version} (${runtime.backend})`,
  torch: torch?.version ?? null,
  platform: `${platform()} ${arch()} ${release()}`,
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
const results: Record<string, unknown> = {};
try {
  for (const section of named.length > 0 ? named : sections) {
    context.print(`\n${section.name}`);
    results[section.name] = await section.run(context);
  }
} finally {
  torch?.close();
}
const path = fileURLToPath(new URL('results.json', import.meta.url));
writeFileSync(path, `${JSON.stringify({ about, ...results }, null, 2)}\n`);
context.print(`\nwritten to ${path}`);
