import { posix } from 'node:path';
import ts from 'typescript';

/** The folders of src from top to bottom: imports go down only. */
const FLOORS: readonly (readonly string[])[] = [
  ['cli', 'web'],
  ['report'],
  ['lab'],
  ['defense'],
  ['channels'],
  ['network'],
  ['train'],
  ['metrics'],
  ['data'],
  ['runtime'],
  ['autodiff'],
  ['ops'],
  ['graph'],
  ['onnx'],
  ['options.ts', 'version.ts'],
];

/** Packages that only one folder may import. */
const DOORS: readonly (readonly [RegExp, string])[] = [
  [/^(onnx-buf|@bufbuild\/protobuf)(\/|$)/, 'onnx'],
  [/^onnxruntime-/, 'runtime'],
];

const FRONT_DOORS = ['src/index.ts', 'src/gradients.ts'];

/** Files outside src that src may import: the version is in package.json only. */
const MANIFEST = 'package.json';

/** One import of a file. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** Whether it is loaded with the file: neither a type import nor a dynamic one. */
  readonly loads: boolean;
}

/** Source files by path, `src/...` with `/`. */
export type Sources = ReadonlyMap<string, string>;

/** All imports of a file: static, dynamic, re-exports and types. */
export function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const note = (specifier: ts.Node | undefined, loads: boolean) => {
    if (specifier && ts.isStringLiteralLike(specifier)) {
      found.push({ from: path, specifier: specifier.text, loads });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      note(node.moduleSpecifier, !isErased(node.importClause));
    } else if (ts.isExportDeclaration(node)) {
      note(node.moduleSpecifier, !node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      note(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      note(node.argument.literal, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

/** With verbatimModuleSyntax only `import type` is erased; `import { type A }` still loads the module. */
function isErased(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** Every import that the floor plan forbids, as "file -> specifier: why". */
export function violations(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) =>
    importsOf(path, text).flatMap((found) => {
      const why = found.specifier.startsWith('.')
        ? forbiddenFile(path, targetOf(found))
        : forbiddenPackage(path, found.specifier);
      return why === undefined ? [] : [`${path} -> ${found.specifier}: ${why}`];
    }),
  );
}

function forbiddenFile(path: string, target: string): string | undefined {
  if (target === MANIFEST) return undefined;
  if (!target.startsWith('src/')) return 'it lies outside src';
  const [own, other] = [roomOf(path), roomOf(target)];
  if (FRONT_DOORS.includes(path))
    return other === 'lab' ? 'who only defends loads no attacker' : undefined;
  if (own === other) return undefined;
  const [from, to] = [floorOf(own), floorOf(other)];
  if (from < 0) return `src/${own} is not on the floor plan`;
  if (to < 0) return `src/${other} is not on the floor plan`;
  if (from === to) return `${own} and ${other} are on the same floor`;
  return from < to ? undefined : `${other} is above ${own}`;
}

function forbiddenPackage(path: string, specifier: string): string | undefined {
  const door = DOORS.find(([name]) => name.test(specifier));
  return door && roomOf(path) !== door[1] ? `only src/${door[1]} imports it` : undefined;
}

/** The files that load with `entry`, without dynamic imports. */
export function loadedBy(sources: Sources, entry: string): Set<string> {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    for (const found of importsOf(path, sources.get(path) ?? '')) {
      const target = targetOf(found);
      if (found.loads && sources.has(target)) loaded.add(target);
    }
  }
  return loaded;
}

function targetOf({ from, specifier }: Import): string {
  return posix.normalize(posix.join(posix.dirname(from), specifier));
}

/** The folder under src; for a file directly in src, its name. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}
