/** Options of which any may be left out or `undefined`, for the default. */
export type Options<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * Options with their defaults. This is the one place where both are merged: `undefined` stands for the
 * default, whether the key is there or not.
 */
export function withDefaults<T extends object>(defaults: T, options: Options<T> | undefined): T {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}
