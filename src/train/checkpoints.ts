/** The saved state of one part of a run, from which a killed run is resumed. */
export interface Checkpoint {
  /** Plain JSON data. */
  readonly data: unknown;
  readonly arrays?: ReadonlyMap<string, Float32Array> | undefined;
}

/** Storage for the checkpoints of a run, by the name of the part. */
export interface Checkpoints {
  /** @returns undefined where the part has no checkpoint */
  load(part: string): Promise<Checkpoint | undefined>;
  /** Replaces the checkpoint of a part. The replacement is atomic. */
  save(part: string, checkpoint: Checkpoint): Promise<void>;
}

/**
 * Checkpoints for a part of a run that has parts of its own: their names get the prefix `name.`.
 *
 * @returns an object to spread into settings; empty where the run has no checkpoints
 */
export function scoped(
  checkpoints: Checkpoints | undefined,
  name: string,
): { readonly checkpoints?: Checkpoints | undefined } {
  if (!checkpoints) return {};
  return {
    checkpoints: {
      load: (part) => checkpoints.load(`${name}.${part}`),
      save: (part, checkpoint) => checkpoints.save(`${name}.${part}`, checkpoint),
    },
  };
}
