import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { operatorsPage } from '../../scripts/docs-ops.ts';
import type { Node } from '../onnx/index.ts';
import { operatorOf, operators } from './registry.ts';
import type { Operator } from './operator.ts';
import { type OperatorName, signatures } from './signatures.ts';

const entries = Object.entries<Operator>(operators);
const rules = entries.filter(([, { gradient }]) => typeof gradient === 'function');

/** The tests beside the rules. */
const files = readdirSync(new URL('./', import.meta.url))
  .filter((file) => file.endsWith('.test.ts') && !/^(registry|signatures)/.test(file))
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'));
const tests = files.join('\n');

test.each(rules.map(([name]) => name))('a test beside the rules names %s', (name) => {
  expect(tests).toMatch(new RegExp(`['"\`]${name}\\b`));
});

/** Attributes that no gradient depends on, and why. */
const UNTESTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  BatchNormalization: { momentum: 'about running statistics only: the training mode tests it' },
  Cast: { saturate: 'about 8-bit floats only' },
  CastLike: { saturate: 'about 8-bit floats only' },
  GroupNormalization: { stash_type: 'the precision within the kernel' },
  LayerNormalization: { stash_type: 'the precision within the kernel' },
  MaxUnpool: { pads: 'the places are told by the indices' },
  Resize: { extrapolation_value: 'a constant outside the region read' },
};

test.each(rules.map(([name]) => name as OperatorName))(
  'every attribute of %s stands in a test that names it',
  (name) => {
    const own = files.filter((text) => new RegExp(`['"\`]${name}\\b`).test(text)).join('\n');
    const missing = signatures[name].attributes.filter(
      (attribute) => !new RegExp(`\\b${attribute}\\b`).test(own),
    );
    expect(missing).toEqual(Object.keys(UNTESTED[name] ?? {}));
  },
);

test('what has no gradient says why', () => {
  for (const [name, { gradient }] of entries) {
    if (typeof gradient === 'function') continue;
    const why = 'none' in gradient ? gradient.none : gradient.zero;
    expect(why.length, name).toBeGreaterThan(10);
  }
});

const node = (op: string, domain = ''): Node => ({
  op,
  domain,
  name: '',
  inputs: [],
  outputs: [],
  attributes: {},
});

describe('looking up a node', () => {
  test('finds standard operators only', () => {
    expect(operatorOf(node('Conv'))).toBe(operators.Conv);
    expect(operatorOf(node('Conv', 'com.example'))).toBeUndefined();
    expect(operatorOf(node('toString'))).toBeUndefined();
    expect(operatorOf(node('NoSuchOperator'))).toBeUndefined();
  });
});

test('docs/ops.md is what the registry says: run "npx tsx scripts/docs-ops.ts"', () => {
  const page = readFileSync(new URL('../../docs/ops.md', import.meta.url), 'utf8');
  expect(page).toBe(operatorsPage());
});
