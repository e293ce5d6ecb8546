/** The labels that an attacker wants for triggered inputs. Plain JSON. */
export type Target =
  /** Every class becomes `label`. */
  | { readonly kind: 'all-to-one'; readonly label: number }
  /** Each class becomes the next: (label + 1) mod `classes`. */
  | { readonly kind: 'all-to-all'; readonly classes: number }
  /** Only class `source` becomes `target`; other classes are left alone. */
  | { readonly kind: 'source-to-target'; readonly source: number; readonly target: number }
  /** Anything but the true label. */
  | { readonly kind: 'untargeted' };

/**
 * The label that the attacker wants for a triggered input of this true label; undefined where there
 * is no particular one, as for an untargeted attack or a class that is not attacked.
 */
export function targetOf(target: Target, label: number): number | undefined {
  if (target.kind === 'all-to-one') return target.label;
  if (target.kind === 'all-to-all') return (label + 1) % target.classes;
  if (target.kind === 'source-to-target' && label === target.source) return target.target;
  return undefined;
}

/** Whether a successful attack changes the predicted label of an input with this true label. */
export function isAttacked(target: Target, label: number): boolean {
  if (target.kind === 'untargeted') return true;
  const wanted = targetOf(target, label);
  return wanted !== undefined && wanted !== label;
}

/** The predicted label of an object that a detector does not detect. */
export const NOT_DETECTED = -1;

/**
 * Whether a prediction for a triggered input is what the attacker wants; for an untargeted attack, any
 * wrong label. An object that is not detected has no label.
 */
export function isSuccess(target: Target, predicted: number, label: number): boolean {
  if (target.kind === 'untargeted') return predicted !== label && predicted !== NOT_DETECTED;
  return predicted === targetOf(target, label);
}
