/** Units that a step pruned at one value. */
export interface PrunedUnits {
  /** The name of the value: of an activation, or of what a layer makes. */
  readonly site: string;
  /** The axis of the units. */
  readonly axis: number;
  /** How many units it has. */
  readonly of: number;
  /** Those that are pruned, ascending. */
  readonly units: readonly number[];
}

/**
 * What a defense did, as plain data: the record keeps it as it is, and the report shows it by its kind. A
 * kind that the report does not know is shown in a generic form: the summary, and the data as a table.
 */
export interface Step<K extends string = string, D = unknown> {
  /** What kind of step it is: 'pruning', 'tuning', or one of a defense's own. */
  readonly kind: K;
  /** The name of the defense that made it. */
  readonly by: string;
  /** What was done, for people: "22 of 32 units were pruned". */
  readonly summary: string;
  /** Why it came to nothing, where it did. */
  readonly failed?: string | undefined;
  readonly seconds: number;
  /** The units that it pruned, where it did: they are zero for every input. A slim file is without them. */
  readonly pruned?: readonly PrunedUnits[] | undefined;
  readonly data: D;
}

/** All units that steps pruned, each site once, in the order in which they came. */
export function prunedIn(steps: readonly Pick<Step, 'pruned'>[]): PrunedUnits[] {
  const sites = new Map<string, PrunedUnits>();
  for (const more of steps.flatMap(({ pruned = [] }) => pruned)) {
    const units = new Set([...(sites.get(more.site)?.units ?? []), ...more.units]);
    sites.set(more.site, { ...more, units: [...units].sort((a, b) => a - b) });
  }
  return [...sites.values()];
}
