import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row, Section } from './section.ts';

/** Versions and machine: results of different ones are not comparable. */
export type About = Readonly<Record<string, string | number | null>>;

interface Saved {
  readonly about: About;
  readonly rows: readonly (Row & { readonly date: string })[];
}

export const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));

export function readResults(): Record<string, Saved> {
  if (!existsSync(RESULTS)) return {};
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, Saved>;
}

/**
 * Merges the rows of a section into earlier results, each row with its date: one network can be measured
 * again without the others.
 */
export function writeRows(section: Section, about: About, rows: readonly Row[]): void {
  const results = readResults();
  const before = results[section.name];
  const merged = new Map(
    before && same(before.about, about) ? before.rows.map((row) => [keyOf(row), row]) : [],
  );
  const date = new Date().toISOString();
  for (const row of rows) merged.set(keyOf(row), { ...row, date });
  const all = [...merged.values()];
  results[section.name] = { about, ...section.summary?.(all), rows: all };
  const partial = `${RESULTS}.partial`;
  writeFileSync(partial, `${JSON.stringify(results, null, 2)}\n`);
  renameSync(partial, RESULTS);
}

const keyOf = ({ network, what, threads }: Row) => [network, what, threads].join(' ');

const same = (a: About, b: About) => JSON.stringify(a) === JSON.stringify(b);
