import { defineConfig } from 'vitest/config';

const SLOW = '{src,test}/**/*.slow.test.ts';
const globalSetup = 'test/helpers/build-cli.ts';

export default defineConfig({
  test: {
    // Each test file runs in a process of its own: ONNX Runtime keeps global state.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests that start processes depend on the load of the machine.
    retry: process.env['CI'] === undefined ? 0 : 2,
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['{src,test}/**/*.test.ts'], exclude: [SLOW], globalSetup },
      },
      { extends: true, test: { name: 'slow', include: [SLOW], globalSetup } },
    ],
  },
});
