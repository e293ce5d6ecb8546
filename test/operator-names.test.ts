import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decisionsByName } from './helpers/operator-names.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const sources = new Map(
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')] as const),
);

test('operator names are compared only in src/ops and src/onnx', () => {
  expect(sources.size).toBeGreaterThan(100);
  expect(decisionsByName(sources)).toEqual([]);
});

const found = (path: string, text: string) => decisionsByName(new Map([[path, text]]));

describe('the check itself', () => {
  test.each([
    ['a comparison', "if (node.op === 'Conv') go();"],
    ['a comparison the other way around', "if ('Conv' !== op) go();"],
    ['a name in a constant', "const CONV = 'Conv';\nif (node?.op == CONV) go();"],
    ['a case', "switch (node.op) { case 'Gemm': go(); }"],
    ['a set', "const LAYERS = new Set(['Conv', 'Gemm']);"],
    ['a set of one type', "const LAYERS: ReadonlySet<string> = new Set(['Conv'] as const);"],
    ['a set that is asked', 'if (LAYERS.has(node.op)) go();'],
    ['a list that is asked', "if (['Conv', 'Gemm'].includes(op)) go();"],
    ['a list elsewhere', 'if (LAYERS.includes(use.node.op)) go();'],
    ['a list of a site', "sites.find(({ consumers }) => ['RoiAlign'].some((op) => consumers[0]));"],
    ['a table', 'const index = SHAPES[node.op] ?? 0;'],
    ['a table that may lack it', "const index = SHAPES[node?.op ?? ''];"],
    ['a table of names', 'const BIASES = { Conv: 2, Gemm: 2 };'],
    ['a map', 'const rule = rules.get(op);'],
    ['the beginning of names', "if (op.startsWith('Reduce')) go();"],
    ['a pattern', 'if (/^Reduce/.test(node.op)) go();'],
    ['an operator of another domain', "if (node.op === 'EfficientNMS_TRT') go();"],
    ['an operator that is gone', "if (node.op === 'ImageScaler') go();"],
  ])('finds %s', (_, text) => {
    expect(found('src/train/a.ts', text)).toHaveLength(1);
    expect(found('src/ops/a.ts', text)).toEqual([]);
    expect(found('src/onnx/a.ts', text)).toEqual([]);
  });

  test('finds comparisons among the rules of normalization too, where tables are allowed', () => {
    expect(found('src/graph/a.ts', "if (node.op === 'Conv') go();")).toHaveLength(1);
    expect(found('src/graph/a.ts', 'const rule = rules.get(node.op);')).toEqual([]);
  });

  test.each([
    ['a node that is made', "const y = b.op('Conv', [x, w]);"],
    ['a rule that says what it is for', "export const rule: Rewrite = { op: 'Conv', replace };"],
    ['a comparison of two nodes', 'const same = node.op === other.op;'],
    ['a question to src/ops', 'if (isProduct(node)) go();'],
    ['another word', "if (kind === 'convolutional') go();"],
    ['a comment', "// if (node.op === 'Conv')"],
  ])('lets pass %s', (_, text) => {
    expect(found('src/train/a.ts', text)).toEqual([]);
  });
});
