import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importsOf, loadedBy, violations } from './helpers/floor-plan.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const FOR_TESTS = /\.test\.ts$/;
const sources = new Map(
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !FOR_TESTS.test(path))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')] as const),
);

describe('the house', () => {
  test('imports go down the floor plan only', () => {
    expect(sources.size).toBeGreaterThan(100);
    expect(violations(sources)).toEqual([]);
  });

  test('the defense never loads the lab', () => {
    const loaded = [...loadedBy(sources, 'src/index.ts')];
    expect(loaded).toContain('src/onnx/decode.ts');
    expect(loaded.filter((path) => path.startsWith('src/lab/'))).toEqual([]);
  });

  test('before a command runs, only the lab tables for the help are loaded', () => {
    const loaded = [...loadedBy(sources, 'src/cli/main.ts')];
    expect(loaded).toContain('src/cli/defend.ts');
    expect(loaded.filter((path) => path.startsWith('src/lab/'))).toEqual([
      'src/lab/attacks/index.ts',
      'src/lab/tasks/index.ts',
    ]);
  });

  test('the command line loads few modules before a command runs', () => {
    const loaded = [...loadedBy(sources, 'src/cli/main.ts')];
    expect(loaded.filter((path) => !path.startsWith('src/cli/')).toSorted()).toEqual([
      'src/lab/attacks/index.ts',
      'src/lab/tasks/index.ts',
      'src/onnx/error.ts',
      'src/onnx/write.ts',
      'src/version.ts',
    ]);
    const packages = loaded
      .flatMap((path) => importsOf(path, sources.get(path) ?? ''))
      .filter(({ specifier, loads }) => loads && !/^(\.|node:)/.test(specifier))
      .map(({ specifier }) => specifier);
    expect([...new Set(packages)]).toEqual(['commander']);
  });

  test('the browser-safe part of src/onnx imports nothing of Node', () => {
    const loaded = loadedBy(sources, 'src/onnx/index.ts');
    const builtin = [...loaded].flatMap((path) =>
      importsOf(path, sources.get(path) ?? '').filter(
        ({ specifier, loads }) => loads && specifier.startsWith('node:'),
      ),
    );
    expect(builtin).toEqual([]);
  });
});

const found = (path: string, text: string) => violations(new Map([[path, text]]));

describe('the check itself', () => {
  test.each([
    ['up', 'src/ops/a.ts', "import { x } from '../defense/b.ts';"],
    ['up for a type', 'src/ops/a.ts', "import type { X } from '../train/b.ts';"],
    ['up later', 'src/defense/a.ts', "const lab = await import('../lab/index.ts');"],
    ['up in a type', 'src/graph/a.ts', "type A = typeof import('../ops/b.ts');"],
    ['up by re-export', 'src/data/a.ts', "export * from '../metrics/index.ts';"],
    ['up from a deep folder', 'src/graph/a/b.ts', "import '../../runtime/c.ts';"],
    ['sideways', 'src/web/a.ts', "import { x } from '../cli/b.ts';"],
    ['the front door from inside', 'src/cli/a.ts', "import { x } from '../index.ts';"],
    ['a folder nobody planned', 'src/attic/a.ts', "import { x } from '../onnx/b.ts';"],
    ['into one', 'src/cli/a.ts', "import { x } from '../attic/b.ts';"],
    ['out of src', 'src/cli/a.ts', "import { x } from '../../bench/b.ts';"],
    ['lab at the front door', 'src/index.ts', "export * from './lab/index.ts';"],
    ['protobuf elsewhere', 'src/graph/a.ts', "import { x } from '@bufbuild/protobuf';"],
    ['a part of protobuf elsewhere', 'src/cli/a.ts', "import '@bufbuild/protobuf/wire';"],
    ['the schema elsewhere', 'src/runtime/a.ts', "import { x } from 'onnx-buf';"],
    ['the runtime elsewhere', 'src/train/a.ts', "await import('onnxruntime-node');"],
  ])('finds an import %s', (_, path, text) => {
    expect(found(path, text)).toHaveLength(1);
    expect(found(path, text)[0]).toContain(path);
  });

  test.each([
    ['src/cli/a.ts', "import { x } from '../onnx/b.ts'; await import('../lab/index.ts');"],
    ['src/lab/a/b.ts', "import { x } from '../c/d.ts'; import { y } from '../../data/index.ts';"],
    ['src/onnx/a.ts', "import { x } from '@bufbuild/protobuf'; import y from 'onnx-buf';"],
    ['src/runtime/a.ts', "await import('onnxruntime-web');"],
    ['src/index.ts', "export * from './version.ts';"],
    ['src/graph/a.ts', '// import { x } from "../cli/b.ts";\nconst text = `from "../cli/b.ts"`;'],
  ])('lets %s import what it may', (path, text) => {
    expect(found(path, text)).toEqual([]);
  });

  test('follows static imports, not type imports or dynamic ones', () => {
    const made = new Map([
      ['src/index.ts', "import './a.ts'; import type { T } from './lab/t.ts';"],
      ['src/a.ts', "export { type X, b } from './b.ts'; export type { U } from './lab/u.ts';"],
      [
        'src/b.ts',
        "const later = () => import('./lab/later.ts'); import { type V } from './c.ts';",
      ],
      ['src/c.ts', ''],
      ['src/lab/t.ts', ''],
      ['src/lab/u.ts', ''],
      ['src/lab/later.ts', ''],
    ]);
    expect([...loadedBy(made, 'src/index.ts')]).toEqual([
      'src/index.ts',
      'src/a.ts',
      'src/b.ts',
      'src/c.ts',
    ]);
  });
});
