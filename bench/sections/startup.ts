import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeModel } from '../../src/onnx/index.ts';
import { vgg16 } from '../networks/vgg16.ts';
import type { Row, Section } from '../section.ts';
import { median } from '../statistics.ts';

interface StartupRow extends Row {
  readonly what: string;
  /** Median and minimum: other processes on the machine only add time. */
  readonly ms: number;
  readonly leastMs: number;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The run time of a whole process of the built package. */
export const startup: Section<StartupRow> = {
  name: 'startup',
  async run({ runs, print }) {
    execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'ignore' });
    const folder = mkdtempSync(join(tmpdir(), 'fineprune-bench-'));
    try {
      // The hidden layers are large enough for a file of 100 MB.
      const model = join(folder, 'vgg16.onnx');
      writeFileSync(model, encodeModel(vgg16({ hidden: 400 })));
      const main = join(root, 'dist/cli/main.js');
      return [
        { network: 'none', what: 'node alone', words: ['-e', '0'] },
        { network: 'none', what: '--help', words: [main, '--help'] },
        { network: 'vgg16, 100 MB', what: 'inspect', words: [main, 'inspect', model] },
      ].map(({ words, ...about }) => {
        const times = Array.from({ length: runs }, () => timeOf(words));
        const row = { ...about, ms: median(times), leastMs: Math.min(...times) };
        print(`  ${row.what}: ${row.ms.toFixed(0)} ms, at least ${row.leastMs.toFixed(0)} ms`);
        return row;
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function timeOf(words: readonly string[]): number {
  const started = performance.now();
  execFileSync(process.execPath, words, { stdio: 'ignore' });
  return performance.now() - started;
}
