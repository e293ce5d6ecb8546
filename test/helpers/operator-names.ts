import ts from 'typescript';
import { rules } from '../../src/graph/index.ts';
import { signatures } from '../../src/ops/signatures.ts';
import type { Sources } from './floor-plan.ts';

/** Folders that may compare operator names. */
const HOME = /^src\/(ops|onnx)\//;
/** Holds tables of rules by operator, since it is below src/ops. */
const RULES = /^src\/graph\//;

const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(signatures),
  ...rules.map(({ op }) => op),
  'EfficientNMS_TRT',
  'Scaler',
]);

/** Comparisons of operator names, as "file:line: code". */
export function decisionsByName(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => (HOME.test(path) ? [] : decisionsIn(path, text)));
}

function decisionsIn(path: string, text: string): string[] {
  // Files without an operator name or an operator need no parsing.
  if (!/\bop\b|['"`][A-Z]\w+['"`]|\b[A-Z]\w+:/.test(text)) return [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const named = constantsOf(file);
  const isName = (node: ts.Node): boolean => {
    const bare = unwrapped(node);
    return (
      (ts.isStringLiteralLike(bare) && NAMES.has(bare.text)) ||
      (ts.isIdentifier(bare) && named.has(bare.text))
    );
  };
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (decides(node, isName) || (!RULES.test(path) && looksUp(node))) {
      const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push(`${path}:${line}: ${node.getText().split('\n')[0]}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A comparison with a name, a case label, or a lookup in a list of names. */
function decides(node: ts.Node, isName: (node: ts.Node) => boolean): boolean {
  if (ts.isBinaryExpression(node)) {
    return EQUALITY.has(node.operatorToken.kind) && (isName(node.left) || isName(node.right));
  }
  if (ts.isCaseClause(node)) return isName(node.expression);
  if (ts.isNewExpression(node) && node.expression.getText() === 'Set') {
    const list = node.arguments?.[0] && unwrapped(node.arguments[0]);
    return list !== undefined && ts.isArrayLiteralExpression(list) && list.elements.some(isName);
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  const { expression: of, name } = node.expression;
  const list = unwrapped(of);
  if (LISTS.has(name.text) && ts.isArrayLiteralExpression(list)) return list.elements.some(isName);
  // startsWith('Reduce'): a family of operators by prefix.
  return isOp(of) || (PATTERNS.has(name.text) && node.arguments.some(isOp));
}

/** A table keyed by operator names, or a lookup by the operator of a node. */
function looksUp(node: ts.Node): boolean {
  if (ts.isObjectLiteralExpression(node)) {
    return node.properties.some(({ name }) => name !== undefined && NAMES.has(keyOf(name)));
  }
  if (ts.isElementAccessExpression(node)) return isOp(node.argumentExpression);
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  return TABLES.has(node.expression.name.text) && node.arguments.some(isOp);
}

function keyOf(name: ts.PropertyName): string {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : '';
}

const EQUALITY: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);
const LISTS: ReadonlySet<string> = new Set(['includes', 'indexOf', 'some', 'find']);
const TABLES: ReadonlySet<string> = new Set(['get', 'has', 'hasOwn', 'includes', 'indexOf']);
const PATTERNS: ReadonlySet<string> = new Set(['test', 'exec', 'match']);

/** Whether an expression is `op` or `node.op`, the operator name of a node. */
function isOp(node: ts.Node): boolean {
  const bare = unwrapped(node);
  return ts.isPropertyAccessExpression(bare)
    ? bare.name.text === 'op'
    : ts.isIdentifier(bare) && bare.text === 'op';
}

/** Constants of a file that hold an operator name. */
function constantsOf(file: ts.SourceFile): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.initializer) {
      const value = unwrapped(node.initializer);
      if (ts.isStringLiteralLike(value) && NAMES.has(value.text)) found.add(node.name.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function unwrapped(node: ts.Node): ts.Node {
  return ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node)
    ? unwrapped(node.expression)
    : node.kind === ts.SyntaxKind.BinaryExpression &&
        (node as ts.BinaryExpression).operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken
      ? unwrapped((node as ts.BinaryExpression).left)
      : node;
}
