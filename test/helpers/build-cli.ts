import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The built command line. */
    readonly cli: string;
  }
}

/** Builds the command line once for all tests: it starts three times as fast as from source. */
export default async function setup(project: TestProject): Promise<() => void> {
  const name = `cli-${project.name}-${process.pid}`;
  const outDir = fileURLToPath(new URL(`../../.cache/${name}`, import.meta.url));
  await build({
    config: false,
    entry: { main: 'src/cli/main.ts' },
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    dts: false,
    fixedExtension: false,
    logLevel: 'error',
  });
  project.provide('cli', join(outDir, 'main.js'));
  return () => rmSync(outDir, { recursive: true, force: true });
}
