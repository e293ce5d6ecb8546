import { subset, type Dataset } from './dataset.ts';
import { random } from './random.ts';

/**
 * Scenes of which those with rare classes are there several times: repeat factor sampling (Gupta,
 * Dollár, Girshick 2019, section 4.1). A class that is in a share f of the scenes asks for √(often / f)
 * of each of its scenes, at least 1; a scene is there as often as its rarest class asks, fractions
 * rounded by chance.
 *
 * @param often - share of the scenes that a class must be in to ask for nothing, in (0, 1]
 */
export function repeatRare(dataset: Dataset, often: number, seed: number): Dataset {
  const draw = random(seed, 'repeat');
  const labels = (dataset.objects ?? []).map(
    (objects) => new Set(objects.map(({ label }) => label)),
  );
  const scenes = dataset.classes.map((_, label) => labels.filter((own) => own.has(label)).length);
  const factor = (label: number) => Math.sqrt((often * dataset.length) / (scenes[label] as number));
  const indices = labels.flatMap((own, index) => {
    const times = Math.max(1, ...[...own].map(factor));
    return Array<number>(Math.floor(times + draw.uniform())).fill(index);
  });
  return subset(dataset, indices, dataset.name);
}
