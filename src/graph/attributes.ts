import type { Node } from '../onnx/index.ts';

/** The integer attribute `key` of a node, or what stands for it when it is left out. */
export function intOf<T extends number | undefined>(
  node: Node,
  key: string,
  otherwise: T,
): number | T {
  const value = node.attributes[key];
  return typeof value === 'number' ? value : otherwise;
}

export function floatOf(node: Node, key: string, otherwise: number): number {
  const value = node.attributes[key];
  return typeof value === 'object' && 'float' in value ? value.float : otherwise;
}

export function stringOf(node: Node, key: string, otherwise: string): string {
  const value = node.attributes[key];
  return typeof value === 'string' ? value : otherwise;
}

export function intsOf<T extends readonly number[] | undefined>(
  node: Node,
  key: string,
  otherwise: T,
): readonly number[] | T {
  const value = node.attributes[key];
  return Array.isArray(value) ? (value as readonly number[]) : otherwise;
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
