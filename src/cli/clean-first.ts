/** Jobs that begin with the clean network of a seed wait until the first of them has trained it. */
export class CleanFirst {
  readonly #seeds = new Map<
    number,
    { readonly trained: Promise<void>; readonly over: (() => void) | undefined }
  >();

  /** Whether another has trained it, once it has; false, at once, for whoever asks first. */
  async wait(seed: number): Promise<boolean> {
    const found = this.#seeds.get(seed);
    if (found) {
      await found.trained;
      return true;
    }
    let over: (() => void) | undefined;
    const trained = new Promise<void>((resolve) => (over = resolve));
    this.#seeds.set(seed, { trained, over });
    return false;
  }

  /** It is trained, or will not be. */
  over(seed: number): void {
    this.#seeds.get(seed)?.over?.();
  }
}
