import { relabel, type Dataset } from '../../data/dataset.ts';
import { featureDataset } from '../../data/audio/feature-dataset.ts';
import { random } from '../../data/random.ts';
import { isAttacked, targetOf, type Target } from '../../metrics/target.ts';
import { FinepruneError } from '../../onnx/error.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { stamper, type Trigger } from '../triggers/trigger.ts';

/** The data cannot be poisoned as asked: code `poison/rate` or `poison/target`. */
export class PoisonError extends FinepruneError {
  override readonly name = 'PoisonError';
}

export interface PoisonOptions {
  readonly trigger: Trigger;
  readonly target: Target;
  /**
   * The poison rate: the share of the whole data set that gets the trigger and the attacker's label, in
   * [0, 1]. Of scenes: the number of poisoned copies, as a share of the scenes with an object that is
   * attacked, which may be above 1.
   */
  readonly rate: number;
  readonly seed: number;
  /**
   * Stamp samples of the target class only, and leave every label as it is, so that no label is wrong
   * (Turner, Tsipras, Madry 2018). For targets of one class. Not for scenes.
   */
  readonly cleanLabel?: boolean | undefined;
}

export interface Poisoned {
  readonly dataset: Dataset;
  /** The samples that were poisoned, ascending. */
  readonly poisoned: Uint32Array;
}

/**
 * Training data in which a share of the samples has the trigger and the attacker's label, as in BadNets.
 * They replace the clean samples, so that the length stays the same.
 *
 * Only samples whose label changes are chosen; with clean labels, only samples of the target class. With
 * the same seed, a smaller rate chooses a subset of a larger rate's choice. An untargeted attack gives
 * each sample a random wrong label.
 *
 * @throws PoisonError; TriggerError where the trigger does not fit the samples
 */
export function poison(dataset: Dataset, options: PoisonOptions): Poisoned {
  const { trigger, target, rate, seed } = options;
  checkTarget(dataset, target);
  const only = options.cleanLabel === true ? targetClass(dataset, target) : undefined;
  const poisoned = pick(dataset, rate, seed, (label) =>
    only === undefined ? isAttacked(target, label) : label === only,
  );
  const wrong = random(seed, 'poison/labels');
  const labels = dataset.labels.slice();
  for (const index of only === undefined ? poisoned : []) {
    const label = labels[index] as number;
    const other = (label + 1 + wrong.integer(dataset.classes.length - 1)) % dataset.classes.length;
    labels[index] = targetOf(target, label) ?? other;
  }
  const marked = new Uint8Array(dataset.length);
  for (const index of poisoned) marked[index] = 1;
  const stamped = stampedWhere(dataset, trigger, (index) => marked[index] === 1);
  return {
    dataset: relabel(stamped, labels, `${dataset.name}/poisoned`),
    poisoned: poisoned.sort(),
  };
}

/**
 * The same data with the trigger on every sample, on pictures before they are normalized. Labels stay
 * true.
 *
 * @throws TriggerError where the trigger does not fit the samples
 */
export function triggered(dataset: Dataset, trigger: Trigger): Dataset {
  const name = `${dataset.name}/triggered`;
  return { ...stampedWhere(dataset, trigger, () => true), name };
}

/** Pictures and sounds are stamped before they are normalized or become features. */
function stampedWhere(
  dataset: Dataset,
  trigger: Trigger,
  carries: (index: number) => boolean,
): Dataset {
  const { pictures, sounds } = dataset;
  if (sounds) {
    const stamped = featureDataset(stampedWhere(sounds.waves, trigger, carries), sounds.features);
    const made = rewritten(dataset, carries, (index, x) => stamped.read([index], x));
    return { ...made, sounds: stamped.sounds };
  }
  const stamp = stamper(trigger, pictures?.dims ?? dataset.sample);
  return rewritten(dataset, carries, (_, x) => {
    if (!pictures) return stamp(x);
    const picture = pictures.decode(x);
    stamp(picture);
    pictures.encode(picture, x);
  });
}

/** Changes some samples after they are read. */
function rewritten(
  dataset: Dataset,
  which: (index: number) => boolean,
  rewrite: (index: number, sample: Float32Array) => void | Promise<void>,
): Dataset {
  const size = sizeOf(dataset.sample);
  return {
    ...dataset,
    async read(indices, into) {
      await dataset.read(indices, into);
      for (let row = 0; row < indices.length; row++) {
        const index = indices[row] as number;
        if (which(index)) await rewrite(index, into.subarray(row * size, (row + 1) * size));
      }
    },
  };
}

/** The class whose samples a clean-label attack stamps. */
function targetClass({ name }: Dataset, target: Target): number {
  if (target.kind === 'all-to-one') return target.label;
  if (target.kind === 'source-to-target') return target.target;
  throw new PoisonError(
    'poison/target',
    `${name}: clean labels need a target of one class, not ${JSON.stringify(target)}: use ` +
      'all-to-one or source-to-target',
  );
}

function pick(
  dataset: Dataset,
  rate: number,
  seed: number,
  fits: (label: number) => boolean,
): Uint32Array {
  const { name, labels, length } = dataset;
  const count = Math.round(rate * length);
  if (!(rate >= 0 && rate <= 1) || (rate > 0 && count === 0)) {
    throw new PoisonError(
      'poison/rate',
      `${name}: a poison rate of ${rate} of ${length} samples poisons none or too many: ` +
        'it must be a share from 0 to 1, and of at least one sample',
    );
  }
  const candidates: number[] = [];
  for (let index = 0; index < length; index++) {
    if (fits(labels[index] as number)) candidates.push(index);
  }
  if (count > candidates.length) {
    throw new PoisonError(
      'poison/rate',
      `${name}: a poison rate of ${rate} asks for ${count} samples, but only ` +
        `${candidates.length} of ${length} have a label that is attacked. ` +
        `Lower it to ${candidates.length / length} or less`,
    );
  }
  return Uint32Array.from(random(seed, 'poison').shuffle(candidates).slice(0, count));
}

/**
 * Checks that the data have the classes of a target.
 *
 * @throws PoisonError 'poison/target'
 */
export function checkTarget({ name, classes }: Dataset, target: Target): void {
  const used =
    target.kind === 'all-to-one'
      ? [target.label]
      : target.kind === 'source-to-target'
        ? [target.source, target.target]
        : [];
  const bad = used.find((label) => classes[label] === undefined);
  const unlike = target.kind === 'all-to-all' && target.classes !== classes.length;
  if (bad !== undefined || unlike || classes.length < 2) {
    throw new PoisonError(
      'poison/target',
      `${name}: the target ${JSON.stringify(target)} does not fit its ${classes.length} classes`,
    );
  }
}
