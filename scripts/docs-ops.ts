import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { operators, type Operator } from '../src/ops/index.ts';

/**
 * Writes docs/ops.md, the table of operators, from the registry:
 *
 *     npx tsx scripts/docs-ops.ts
 */
const golden = new URL('../test/golden/ops/', import.meta.url);

/** Operators whose gradients are compared with PyTorch's. */
function comparedWithPyTorch(): Set<string> {
  const files = readdirSync(golden).filter((file) => file.endsWith('.json'));
  return new Set(
    files.flatMap((file) => {
      const cases: unknown = JSON.parse(readFileSync(new URL(file, golden), 'utf8'));
      return Array.isArray(cases) ? (cases as { op: string }[]).map(({ op }) => op) : [];
    }),
  );
}

/** The page, in Markdown. */
export function operatorsPage(): string {
  const entries = Object.entries<Operator>(operators);
  const torch = comparedWithPyTorch();
  const rules = entries.filter(([, { gradient }]) => typeof gradient === 'function');
  const zeros = entries.flatMap(([name, { gradient }]) =>
    'zero' in gradient ? [[name, gradient.zero] as const] : [],
  );
  const nones = entries.flatMap(([name, { gradient }]) =>
    'none' in gradient ? [[name, gradient.none] as const] : [],
  );
  return `<!-- Written by scripts/docs-ops.ts from src/ops/registry.ts: do not edit. -->

# Operators

All ${entries.length} operators of the ONNX standard domain up to opset 24. Every one runs where ONNX Runtime
has it; the tables tell what fine-tuning can train through. A parameter from which the loss is
reached only through the third table cannot be trained: freeze it, and train the rest.

## Differentiated: ${rules.length}

Every gradient is compared with finite differences; those marked, with PyTorch's as well.

| operator | PyTorch |
| --- | --- |
${rules
  .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
  .map(([name]) => `| ${name} | ${torch.has(name) ? 'yes' : ''} |`)
  .join('\n')}

## Gradient zero: ${zeros.length}

| operator | why |
| --- | --- |
${rows(zeros)}

## No gradient: ${nones.length}

| operator | why |
| --- | --- |
${rows(nones)}
`;
}

function rows(entries: readonly (readonly [string, string])[]): string {
  return entries
    .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([name, why]) => `| ${name} | ${why} |`)
    .join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('../docs/ops.md', import.meta.url), operatorsPage());
}
