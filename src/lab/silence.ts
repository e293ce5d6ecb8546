import type { Dataset } from '../data/index.ts';
import { labelsOf, predictionsAlong, type Classifier, type Site } from '../defense/index.ts';
import { accuracy, attackSuccess, type Rate, type Target } from '../metrics/index.ts';
import type { Runtime } from '../runtime/index.ts';

/** What a network does with one unit of a site silenced, and all others as they are. */
export interface Silenced {
  readonly unit: number;
  readonly acc: Rate;
  readonly asr: Rate;
}

/**
 * Silences every unit of a site by itself: a unit carries the backdoor where attack success falls with
 * it, and clean behaviour where accuracy does.
 *
 * @param triggered - samples with the trigger, labelled with what they truly are
 */
export async function silencedOneByOne(
  runtime: Runtime,
  classifier: Classifier,
  site: Site,
  { clean, triggered, target }: { clean: Dataset; triggered: Dataset; target: Target },
  signal?: AbortSignal,
): Promise<Silenced[]> {
  const without = async (unit: number, dataset: Dataset): Promise<Int32Array> => {
    let last = new Int32Array();
    const settings = signal ? { signal } : {};
    const points = predictionsAlong(runtime, classifier, site, dataset, [unit], settings);
    for await (const { predicted } of points) last = Int32Array.from(predicted);
    return last;
  };
  const found: Silenced[] = [];
  for (let unit = 0; unit < site.units; unit += 1) {
    const fooled = await without(unit, triggered);
    found.push({
      unit,
      acc: accuracy(await without(unit, clean), labelsOf(clean)),
      asr: attackSuccess(fooled, labelsOf(triggered), target),
    });
  }
  return found;
}
