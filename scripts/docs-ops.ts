import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { OPSET, ruleName, rules } from '../src/graph/index.ts';
import { operators, type Operator } from '../src/ops/index.ts';
import { BLOCKED } from '../src/ops/channel-rule.ts';
import { type OperatorName, signatures } from '../src/ops/signatures.ts';

/**
 * Writes docs/ops.md, the table of operators, from the operator registry and the normalization rules:
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

/** The gradient column of an operator. */
function gradientOf(name: OperatorName, torch: ReadonlySet<string>): string {
  const { gradient }: Operator = operators[name];
  if (typeof gradient === 'function') return torch.has(name) ? 'yes, as PyTorch' : 'yes';
  if ('zero' in gradient) return `zero: ${gradient.zero}`;
  if (RECURRENT.has(name)) return 'yes, written out as its steps';
  return lowered(name) ? 'yes, as what it is brought to' : `no: ${gradient.none}`;
}

/** The rules in use: upgrades of older opsets, and lowerings of opsets newer than the canonical one. */
const forms = rules.filter((rule) => 'before' in rule || rule.since > OPSET);
const RECURRENT = new Set(['GRU', 'LSTM', 'RNN']);
/** Whether an operator of another opset is expressed in operators of the canonical one. */
function lowered(name: OperatorName): boolean {
  const gone = name === 'Scatter' || name === 'Upsample' || signatures[name].since > OPSET;
  return gone && forms.some(({ op, summary }) => op === name && summary !== 'refused');
}

/** The page, in Markdown. */
export function operatorsPage(): string {
  const names = Object.keys(signatures) as OperatorName[];
  const torch = comparedWithPyTorch();
  const differentiated = names.filter((name) => gradientOf(name, torch).startsWith('yes'));
  const line = (name: OperatorName) => {
    const { since, attributes } = signatures[name];
    return row([
      name,
      `${Math.max(since, 7)} to 24`,
      attributes.join(', '),
      gradientOf(name, torch),
      operators[name].channels === BLOCKED ? '' : operators[name].channels.about,
    ]);
  };
  const changes = forms
    .map((rule) => ({ op: rule.op, when: ruleName(rule).slice(rule.op.length + 1), rule }))
    .toSorted((a, b) => a.op.localeCompare(b.op, 'en'));
  return `<!-- Written by scripts/docs-ops.ts from the registries: do not edit. -->

# Operators

All ${names.length} operators of the ONNX standard domain up to opset 24; ${differentiated.length} have a gradient. Every one runs
where ONNX Runtime has it; the table tells what fine-tuning can train through, and how units pass.

- **gradient**: every gradient is compared with finite differences, by its attributes; "as PyTorch"
  says that it is compared with PyTorch's too. Where it is "no", a parameter from which the loss is
  reached only through that operator is not trained: freeze it, and train the rest. "zero" is no
  obstacle: the derivative is 0 wherever there is one.
- **attributes**: those of opset ${OPSET}, to which every graph is brought. A gradient is right for all of
  their values, or refuses the node by name.
- **units**: what becomes of the channels of a site that lies before the operator, which decides where
  a mask can be folded. Where it is empty, none passes: the mask becomes a Mul.

| operator | opsets | attributes | gradient | units |
| --- | --- | --- | --- | --- |
${names.map(line).join('\n')}

## Forms that are brought to opset ${OPSET}

| operator | opsets | what changes |
| --- | --- | --- |
${changes.map(({ op, when, rule }) => row([op, when, rule.summary])).join('\n')}
`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('../docs/ops.md', import.meta.url), operatorsPage());
}
