import type * as z from 'zod';
import type { Box } from '../../data/scenes/boxes.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { TriggerError } from './error.ts';

/** Changes every sample of `x` in place. Samples lie one after another, row-major. */
export type Stamp = (x: Float32Array) => void;

/** A file next to a trigger's JSON, such as a picture. It is copied byte for byte. */
export interface AttachedFile {
  /** Its name, without a folder. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Reads a file next to a trigger's JSON. */
export type ReadAttached = (name: string) => Promise<AttachedFile>;

/**
 * A kind of trigger: one object in one file, listed in one table (`table.ts`). Nothing else in the
 * project names it.
 *
 * @typeParam S - the settings in memory, with pictures and sounds decoded
 * @typeParam J - the settings in JSON, where a picture or sound may be the name of a file
 */
export interface TriggerKind<S extends object = object, J extends object = object> {
  /** The `kind` in JSON: 'patch'. */
  readonly name: string;
  /** What it does to an input, in one line. */
  readonly description: string;
  /** Strict, so that a misspelled setting is an error. The order of its keys is that of the JSON. */
  readonly schema: z.ZodType<J>;
  /** @throws TriggerError `trigger/file` where an attached file is missing or cannot be decoded */
  fromJson(json: J, read: ReadAttached): S | Promise<S>;
  toJson(settings: S): J;
  /** Files that `toJson` names. */
  files(settings: S): readonly AttachedFile[];
  /**
   * Makes the trigger ready for samples of some dims: resizes pictures, draws noise.
   *
   * @param sample - dims of one sample, without the batch
   * @throws TriggerError where the trigger does not fit such samples
   */
  stamper(settings: S, sample: readonly number[]): Stamp;
  /** The same for one object of a scene. Kinds without it go on whole samples only. */
  objectStamper?(settings: S, sample: readonly number[], box: Box): Stamp;
}

/** What an attacker stamps on inputs: a kind with its settings. */
export interface Trigger<S extends object = object> {
  readonly kind: TriggerKind<S>;
  readonly settings: S;
}

/** How kinds are stored whose settings in memory are the same as in JSON, without any file. */
export function plainJson<S extends object>(): Pick<
  TriggerKind<S, S>,
  'fromJson' | 'toJson' | 'files'
> {
  return { fromJson: (json) => json, toJson: (settings) => settings, files: () => [] };
}

/**
 * Makes a trigger ready for samples of some dims. The same stamp serves training, testing and previews.
 * It takes samples in the units of the data before any normalization: [channels, height, width] for
 * images, [samples] for waveforms.
 *
 * @param sample - dims of one sample, without the batch
 * @throws TriggerError where the trigger does not fit such samples
 */
export function stamper({ kind, settings }: Trigger, sample: readonly number[]): Stamp {
  const stamp = kind.stamper(settings, sample);
  const size = sizeOf(sample);
  return (x) => {
    if (x.length % size !== 0) {
      throw new RangeError(
        `${x.length} values are not a whole number of samples of [${sample.join(', ')}]`,
      );
    }
    stamp(x);
  };
}

/** Whether a trigger can be put on the objects of a scene. */
export function fitsObjects({ kind }: Trigger): boolean {
  return kind.objectStamper !== undefined;
}

/**
 * Makes a trigger ready for one object of a scene.
 *
 * @param box - the object, in pixels of the image
 * @throws TriggerError `trigger/object` where the kind goes on whole samples only
 */
export function objectStamper(
  { kind, settings }: Trigger,
  sample: readonly number[],
  box: Box,
): Stamp {
  if (kind.objectStamper) return kind.objectStamper(settings, sample, box);
  throw new TriggerError(
    'trigger/object',
    `A trigger of the kind "${kind.name}" cannot be put on the objects of a scene: use a sticker`,
  );
}

/** Files that belong next to a trigger's JSON. */
export function attachedFiles({ kind, settings }: Trigger): readonly AttachedFile[] {
  return kind.files(settings);
}
