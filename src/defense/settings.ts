import * as z from 'zod';
import type { Options } from '../options.ts';
import type { Defense, SettingsSchema } from './defense.ts';
import { DefenseError } from './error.ts';
import { DEFENSES } from './methods/index.ts';

/** What every method takes. */
export const commonSettings = z.strictObject({
  maxDrop: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .meta({ description: 'largest drop of clean accuracy, as a share', flag: false }),
  holdout: z.number().gt(0).lt(1).default(0.2).meta({
    description:
      'share of the clean data that is not trained on: it chooses the epoch and judges what was lost',
    value: 'share',
  }),
  seed: z.int().min(0).default(0).meta({ description: 'seed of everything random', flag: false }),
});

type Union<T> = (T extends unknown ? (x: T) => void : never) extends (x: infer U) => void
  ? U
  : never;
type SettingsOf<D> = D extends Defense<infer S> ? S : never;

/** Settings of every method. Each method takes its own; see `settings` of each. */
export type MethodSettings = Options<Union<SettingsOf<(typeof DEFENSES)[number]>>>;

export type CommonSettings = z.output<typeof commonSettings>;

/**
 * Settings checked, with their defaults.
 *
 * @throws DefenseError 'defense/settings' that names each setting that is wrong, and why
 */
export function checkedSettings<S extends object>(schema: SettingsSchema<S>, given: object): S {
  const known = Object.entries(given).filter(([key]) => key in schema.shape);
  const result = schema.safeParse(Object.fromEntries(known));
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new DefenseError(
    'defense/settings',
    `These settings cannot be used: ${problems.join('; ')}`,
  );
}

/**
 * Refuses what is a setting of none of the methods: a misspelled setting must not be ignored.
 *
 * @throws DefenseError 'defense/settings'
 */
export function checkKnown(given: object, methods: readonly Defense[]): void {
  const known = new Set([
    ...Object.keys(commonSettings.shape),
    ...methods.flatMap(({ settings }) => Object.keys(settings.shape)),
  ]);
  const unknown = Object.entries(given).find(
    ([key, value]) => !known.has(key) && value !== undefined,
  );
  if (!unknown) return;
  throw new DefenseError(
    'defense/settings',
    `"${unknown[0]}" is no setting of ${methods.map(({ name }) => name).join(', ')}: they take ${[...known].join(', ')}`,
  );
}
