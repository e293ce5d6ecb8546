/** What is kept of a part of a run, so that a killed one can go on: plain data, and arrays by name. */
export interface Checkpoint {
  /** JSON keeps it as it is. */
  readonly data: unknown;
  readonly arrays?: ReadonlyMap<string, Float32Array> | undefined;
}

/** Where a run keeps what it has so far, by the name of the part. */
export interface Checkpoints {
  load(part: string): Promise<Checkpoint | undefined>;
  /** Keeps a part in place of what was kept of it before, in full or not at all. */
  save(part: string, saved: Checkpoint): Promise<void>;
}

/** Checkpoints for a part of a run that has parts of its own. */
export function scoped(
  checkpoints: Checkpoints | undefined,
  name: string,
): { readonly checkpoints?: Checkpoints | undefined } {
  if (!checkpoints) return {};
  return {
    checkpoints: {
      load: (part) => checkpoints.load(`${name}.${part}`),
      save: (part, saved) => checkpoints.save(`${name}.${part}`, saved),
    },
  };
}
