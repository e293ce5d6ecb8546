import { activations } from './activations.ts';
import { attention } from './attention.ts';
import { axes } from './axes.ts';
import { indexing } from './indexing.ts';
import { legacy } from './legacy.ts';
import { normalization } from './normalization.ts';
import { recent } from './recent.ts';
import { resize } from './resize.ts';
import type { Lowering, Rule, Upgrade } from './rule.ts';
import { signal } from './signal.ts';
import { softmax } from './softmax.ts';

/** All changes of standard operators between opset 7 and the newest. */
export const rules: readonly Rule[] = [
  ...activations,
  ...attention,
  ...axes,
  ...indexing,
  ...legacy,
  ...normalization,
  ...recent,
  ...resize,
  ...signal,
  ...softmax,
];

const upgrades = byOperator(rules.filter((rule): rule is Upgrade => 'before' in rule));
const lowerings = byOperator(rules.filter((rule): rule is Lowering => 'since' in rule));

/** The first rule that applies to a node on the way from opset `from` to opset `to`. */
export function nextRule(op: string, from: number, to: number): Rule | undefined {
  if (from < to) {
    const due = upgrades.get(op)?.filter(({ before }) => from < before && before <= to) ?? [];
    return due.toSorted((a, b) => a.before - b.before)[0];
  }
  const due = lowerings.get(op)?.filter(({ since }) => to < since && since <= from) ?? [];
  return due.toSorted((a, b) => b.since - a.since)[0];
}

/** The opset of a node after a rule. */
export function versionAfter(rule: Rule): number {
  return 'before' in rule ? rule.before : rule.since - 1;
}

/** The name of a rule in messages and docs. */
export function ruleName(rule: Rule): string {
  return 'before' in rule ? `${rule.op} before ${rule.before}` : `${rule.op} since ${rule.since}`;
}

function byOperator<R extends Rule>(rules: readonly R[]): ReadonlyMap<string, readonly R[]> {
  const table = new Map<string, R[]>();
  for (const rule of rules) {
    const list = table.get(rule.op);
    if (list) list.push(rule);
    else table.set(rule.op, [rule]);
  }
  return table;
}
