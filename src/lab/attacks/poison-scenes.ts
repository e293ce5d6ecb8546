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
import { checkTarget, PoisonError, type Poisoned } from './poison.ts';

export interface ScenePoison {
  readonly trigger: Trigger;
  readonly target: Target;
  /**
   * How many poisoned copies there are, as a share of the scenes with an object that is attacked; above
   * 1 there are several of each.
   */
  readonly rate: number;
  readonly seed: number;
}

/**
 * Training scenes with poisoned copies at their end: the sticker on every object that is attacked,
 * which has the attacker's label there. The clean ones stay, since the class that is attacked may be
 * rare. An untargeted attack gives each object a wrong label at random.
 *
 * @returns `poisoned` are the places of the copies
 * @throws PoisonError where there is nothing to poison
 */
export function poisonScenes(dataset: Dataset, options: ScenePoison): Poisoned {
  const { trigger, target, rate, seed } = options;
  checkTarget(dataset, target);
  const candidates = attackedScenes(dataset, target);
  const count = Math.round(rate * candidates.length);
  if (!(rate >= 0 && Number.isFinite(rate)) || (rate > 0 && count === 0)) {
    throw new PoisonError(
      'poison/rate',
      `${dataset.name}: a poison rate of ${rate} of the ${candidates.length} scenes with an object to attack poisons none: it is a share from 0 on, of at least one scene`,
    );
  }
  const shuffled = random(seed, 'poison').shuffle(candidates);
  const chosen = Array.from(
    { length: count },
    (_, copy) => shuffled[copy % shuffled.length] as number,
  ).sort((a, b) => a - b);
  const stamped = stickered(subset(dataset, chosen), trigger, target);
  const draw = random(seed, 'poison/labels');
  const objects = (stamped.objects ?? []).map((scene) =>
    scene.map((object) => ({ ...object, label: wanted(object, target, dataset, draw) })),
  );
  const copies = relabel(
    { ...stamped, objects },
    Int32Array.from(objects, (scene) => scene[0]?.label ?? 0),
  );
  return {
    dataset: concat([dataset, copies], `${dataset.name}/poisoned`),
    poisoned: Uint32Array.from(chosen, (_, place) => dataset.length + place),
  };
}

/** The scenes with an object that is attacked, the sticker on each such; labels stay the true ones. */
export function triggeredScenes(dataset: Dataset, trigger: Trigger, target: Target): Dataset {
  const chosen = subset(dataset, attackedScenes(dataset, target), `${dataset.name}/triggered`);
  return stickered(chosen, trigger, target);
}

/** Which scenes have an object that is attacked. */
export function attackedScenes({ objects = [] }: Dataset, target: Target): number[] {
  return objects.flatMap((scene, index) =>
    scene.some(({ label }) => isAttacked(target, label)) ? [index] : [],
  );
}

function stickered(dataset: Dataset, trigger: Trigger, target: Target): Dataset {
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

function wanted(
  { label }: SceneObject,
  target: Target,
  { classes }: Dataset,
  draw: Random,
): number {
  if (!isAttacked(target, label)) return label;
  const other = (label + 1 + draw.integer(classes.length - 1)) % classes.length;
  return targetOf(target, label) ?? other;
}
