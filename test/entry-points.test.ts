import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

/** The source of each entry point of the package. */
const SOURCES = {
  '.': 'src/index.ts',
  './report': 'src/report/index.ts',
  './lab': 'src/lab/index.ts',
  './autodiff': 'src/gradients.ts',
} as const;

/** The names that a module exports, types marked as such; each must be written out. */
function exportedNames(path: string): string[] {
  const file = resolve(import.meta.dirname, '..', path);
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const isExported = (node: ts.Node) =>
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  const names = source.statements.flatMap((node): string[] => {
    if (ts.isExportDeclaration(node)) {
      const { exportClause } = node;
      if (!exportClause || !ts.isNamedExports(exportClause)) {
        throw new Error(`${path} exports names that are not written out: ${node.getText(source)}`);
      }
      return exportClause.elements.map((element) =>
        node.isTypeOnly || element.isTypeOnly ? `type ${element.name.text}` : element.name.text,
      );
    }
    if (!isExported(node)) return [];
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
      return [`type ${node.name.text}`];
    }
    if (ts.isFunctionDeclaration(node) && node.name) return [node.name.text];
    throw new Error(`${path}: an export of an unexpected kind: ${node.getText(source)}`);
  });
  return names.toSorted((a, b) => a.localeCompare(b, 'en'));
}

test('the package has these entry points', () => {
  const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json');
  expect(entries).toEqual(Object.keys(SOURCES));
});

// A changed list is a changed API: `vitest -u` writes it, and the diff shows it.
test.each(Object.entries(SOURCES))('the names that "%s" exports', async (entry, path) => {
  const file = entry === '.' ? 'fineprune' : entry.slice(2);
  await expect(`${exportedNames(path).join('\n')}\n`).toMatchFileSnapshot(
    `golden/entry-points/${file}.txt`,
  );
});

test('fineprune exports some forty names', () => {
  expect(exportedNames(SOURCES['.']).length).toBeLessThanOrEqual(50);
});
