/** Changes every sample of `x`, one after another and row-major, in place. */
export type Stamp = (x: Float32Array) => void;

/**
 * Makes a trigger ready for samples of some dims: pictures resized, fields drawn.
 *
 * @param sample - dims of one sample, without the batch
 * @throws TriggerError where the trigger does not fit such samples
 */
export type Stamper<T> = (trigger: T, sample: readonly number[]) => Stamp;
