import type { Node } from '../onnx/index.ts';

/** The integer attribute `key` of a node, or its default. */
export function intOf<T extends number | undefined>(
  node: Node,
  key: string,
  fallback: T,
): number | T {
  const value = node.attributes[key];
  return typeof value === 'number' ? value : fallback;
}

export function floatOf(node: Node, key: string, fallback: number): number {
  const value = node.attributes[key];
  return typeof value === 'object' && 'float' in value ? value.float : fallback;
}

export function stringOf(node: Node, key: string, fallback: string): string {
  const value = node.attributes[key];
  return typeof value === 'string' ? value : fallback;
}

export function intsOf<T extends readonly number[] | undefined>(
  node: Node,
  key: string,
  fallback: T,
): readonly number[] | T {
  const value = node.attributes[key];
  return Array.isArray(value) ? (value as readonly number[]) : fallback;
}

/** Turns a negative axis into a positive one. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
