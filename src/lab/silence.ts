import type { Dataset } from '../data/index.ts';
import {
  judge,
  predictionsAlong,
  type Answers,
  type Classifier,
  type Site,
} from '../defense/index.ts';
import type { Rate, Target } from '../metrics/index.ts';
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
  const without = async (unit: number, dataset: Dataset): Promise<Answers> => {
    let last: Answers = { called: new Int32Array() };
    const settings = signal ? { signal } : {};
    const points = predictionsAlong(runtime, classifier, site, dataset, [unit], settings);
    for await (const { answers } of points) last = answers;
    return last;
  };
  const found: Silenced[] = [];
  for (let unit = 0; unit < site.units; unit += 1) {
    const answers = {
      clean: await without(unit, clean),
      triggered: await without(unit, triggered),
    };
    const { acc, asr } = judge(answers, { clean, triggered: { dataset: triggered, target } });
    if (asr) found.push({ unit, acc, asr });
  }
  return found;
}
