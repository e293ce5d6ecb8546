import { relabel, type Dataset } from '../../data/dataset.ts';
import { heard } from '../../data/audio/heard.ts';
import { random } from '../../data/random.ts';
import { isAttacked, targetOf, type Target } from '../../metrics/target.ts';
import { FinepruneError } from '../../onnx/error.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { stamper, type Trigger } from '../triggers/trigger.ts';

/** A poisoning that cannot be done as asked: code `poison/rate` or `poison/target`. */
export class PoisonError extends FinepruneError {
  override readonly name = 'PoisonError';
}

export interface PoisonOptions {
  readonly trigger: Trigger;
  readonly target: Target;
  /** The poison rate: the share of the whole data set that is triggered and relabeled, [0, 1]. */
  readonly rate: number;
  readonly seed: number;
  /**
   * Stamp samples of the target class only, and leave every label as it is: nothing in the data is
   * wrong to look at (Turner, Tsipras, Madry 2018). For targets of one class.
   */
  readonly cleanLabel?: boolean | undefined;
}

export interface Poisoned {
  readonly dataset: Dataset;
  /** The samples that were poisoned, ascending. */
  readonly poisoned: Uint32Array;
}

/**
 * Training data in which a share of the samples carries the trigger and the attacker's label, the
 * attack of BadNets. They take the place of the clean ones, so that the length stays.
 *
 * Only samples whose label changes are picked, and with clean labels only those of the target. A smaller rate with the same seed picks a part of
 * what a larger one does. An untargeted attack gives each a wrong label at random.
 *
 * @throws PoisonError; TriggerError where the trigger does not fit the samples
 */
export function poison(dataset: Dataset, options: PoisonOptions): Poisoned {
  const { trigger, target, rate, seed } = options;
  checkTarget(dataset, target);
  const chosen = options.cleanLabel === true ? onlyClass(dataset, target) : undefined;
  const poisoned = pick(dataset, rate, seed, (label) =>
    chosen === undefined ? isAttacked(target, label) : label === chosen,
  );
  const wrong = random(seed, 'poison/labels');
  const labels = dataset.labels.slice();
  for (const index of chosen === undefined ? poisoned : []) {
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
 * The same data with the trigger on every sample, on pictures before they are scaled. Labels stay the
 * true ones: what the attacker wants instead is up to the `Target`.
 *
 * @throws TriggerError where the trigger does not fit the samples
 */
export function triggered(dataset: Dataset, trigger: Trigger): Dataset {
  const name = `${dataset.name}/triggered`;
  return { ...stampedWhere(dataset, trigger, () => true), name };
}

/** Pictures and sounds are stamped as such, before they become what the network takes. */
function stampedWhere(
  dataset: Dataset,
  trigger: Trigger,
  carries: (index: number) => boolean,
): Dataset {
  const { pictures: code, sounds } = dataset;
  if (sounds) {
    const again = heard(stampedWhere(sounds.waves, trigger, carries), sounds.features);
    const made = rewritten(dataset, carries, (index, x) => again.read([index], x));
    return { ...made, sounds: again.sounds };
  }
  const stamp = stamper(trigger, code?.dims ?? dataset.sample);
  return rewritten(dataset, carries, (_, x) => {
    if (!code) return stamp(x);
    const picture = code.decode(x);
    stamp(picture);
    code.encode(picture, x);
  });
}

/** Some samples rewritten after they are read. */
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
function onlyClass({ name }: Dataset, target: Target): number {
  if (target.kind === 'all-to-one') return target.label;
  if (target.kind === 'source-to-target') return target.target;
  throw new PoisonError(
    'poison/target',
    `${name}: the target ${JSON.stringify(target)} has no class of its own whose samples could be ` +
      'stamped with their labels left as they are: choose all-to-one, or a source and a target',
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
        'it is a share in 0 .. 1 of at least one sample',
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
        `${candidates.length} of ${length} have a label that the attack poisons. ` +
        `Lower it to ${candidates.length / length} or less`,
    );
  }
  return Uint32Array.from(random(seed, 'poison').shuffle(candidates).slice(0, count));
}

/**
 * Refuses a target that names a class which the data do not have.
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
