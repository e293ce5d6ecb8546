import {
  concat,
  random,
  relabel,
  subset,
  type Dataset,
  type Random,
  type SceneObject,
} from '../../data/index.ts';
import { isAttacked, targetOf, type Target } from '../../metrics/index.ts';
import { sizeOf } from '../../onnx/index.ts';
import { objectStamper, type Trigger } from '../triggers/trigger.ts';
import { checkTarget, PoisonError, type Poisoned, type PoisonOptions } from './poison.ts';

/**
 * Training scenes with poisoned copies at their end. In a copy, every object that is attacked has the
 * trigger and the attacker's label. The clean scenes stay, since the attacked class may be rare. An
 * untargeted attack gives each object a random wrong label.
 *
 * @returns `poisoned` has the indices of the copies
 * @throws PoisonError where there is nothing to poison; TriggerError where the trigger does not fit
 *   objects
 */
export function poisonScenes(dataset: Dataset, options: PoisonOptions): Poisoned {
  const { trigger, target, rate, seed } = options;
  checkTarget(dataset, target);
  if (options.cleanLabel === true) {
    throw new PoisonError('poison/target', `${dataset.name}: scenes have no clean-label attack`);
  }
  const candidates = attackedScenes(dataset, target);
  const count = Math.round(rate * candidates.length);
  if (!(rate >= 0 && Number.isFinite(rate)) || (rate > 0 && count === 0)) {
    throw new PoisonError(
      'poison/rate',
      `${dataset.name}: a poison rate of ${rate} of the ${candidates.length} scenes with an object that is attacked poisons none: it must be 0 or more, and of at least one scene`,
    );
  }
  const shuffled = random(seed, 'poison').shuffle(candidates);
  const chosen = Array.from(
    { length: count },
    (_, copy) => shuffled[copy % shuffled.length] as number,
  ).sort((a, b) => a - b);
  const copied = stamped(subset(dataset, chosen), trigger, target);
  const draw = random(seed, 'poison/labels');
  const objects = (copied.objects ?? []).map((scene) =>
    scene.map((object) => ({ ...object, label: poisonedLabel(object, target, dataset, draw) })),
  );
  const copies = relabel(
    { ...copied, objects },
    Int32Array.from(objects, (scene) => scene[0]?.label ?? 0),
  );
  return {
    dataset: concat([dataset, copies], `${dataset.name}/poisoned`),
    poisoned: Uint32Array.from(chosen, (_, place) => dataset.length + place),
  };
}

/** The scenes with an object that is attacked, with the trigger on each such object. Labels stay true. */
export function triggeredScenes(dataset: Dataset, trigger: Trigger, target: Target): Dataset {
  const chosen = subset(dataset, attackedScenes(dataset, target), `${dataset.name}/triggered`);
  return stamped(chosen, trigger, target);
}

/** Indices of the scenes with an object that is attacked. */
export function attackedScenes({ objects = [] }: Dataset, target: Target): number[] {
  return objects.flatMap((scene, index) =>
    scene.some(({ label }) => isAttacked(target, label)) ? [index] : [],
  );
}

function stamped(dataset: Dataset, trigger: Trigger, target: Target): Dataset {
  const size = sizeOf(dataset.sample);
  const stamps = (dataset.objects ?? []).map((scene) =>
    scene
      .filter(({ label }) => isAttacked(target, label))
      .map(({ box }) => objectStamper(trigger, dataset.sample, box)),
  );
  return {
    ...dataset,
    async read(indices, into) {
      await dataset.read(indices, into);
      for (let row = 0; row < indices.length; row += 1) {
        const own = into.subarray(row * size, (row + 1) * size);
        for (const stamp of stamps[indices[row] as number] ?? []) stamp(own);
      }
    },
  };
}

function poisonedLabel(
  { label }: SceneObject,
  target: Target,
  { classes }: Dataset,
  draw: Random,
): number {
  if (!isAttacked(target, label)) return label;
  const other = (label + 1 + draw.integer(classes.length - 1)) % classes.length;
  return targetOf(target, label) ?? other;
}
