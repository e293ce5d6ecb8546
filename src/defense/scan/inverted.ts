import type { Dataset } from '../../data/index.ts';
import { rate, type Rate } from '../../metrics/index.ts';
import type { Network } from '../../network/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { InvertedTrigger } from './families/family.ts';
import type { SampleLayout } from './families/sample-layout.ts';
import type { Suspect } from './result.ts';
import { openPredictor, readSamples } from './samples.ts';
import { wanted } from './search.ts';

/**
 * Puts an inverted trigger on samples.
 *
 * @param x - dims [count, ...sample]; changed in place
 */
export function applyInverted(
  trigger: InvertedTrigger,
  { elements, placeOf, low, high }: SampleLayout,
  x: Float32Array,
): void {
  for (let at = 0; at < x.length; at += 1) {
    const element = at % elements;
    const value = x[at] as number;
    if (trigger.family === 'patch') {
      const share = trigger.mask[placeOf[element] as number] as number;
      x[at] = value * (1 - share) + share * (trigger.pattern[element] as number);
    } else {
      const [from, to] = [low[element] as number, high[element] as number];
      x[at] = Math.min(Math.max(value + (trigger.addition[element] as number), from), to);
    }
  }
}

/**
 * How often the triggers that a scan inverted work on a network, such as the repaired one: on clean
 * samples that the scan did not search on, and that the network does not call the target anyway.
 *
 * @param data - the clean data of the scan
 * @param seed - of the scan
 * @returns for each suspect its surrogate attack success
 */
export async function surrogateSuccess(
  runtime: Runtime,
  network: Network,
  data: Dataset,
  { suspects, layout, seed }: { suspects: readonly Suspect[]; layout: SampleLayout; seed: number },
): Promise<Rate[]> {
  const predictor = await openPredictor(runtime, network.graph, network, data.sample);
  try {
    const { x, called } = (await readSamples(data, predictor, seed)).judge;
    const rates: Rate[] = [];
    for (const { target, trigger } of suspects) {
      const perturbed = x.slice();
      applyInverted(trigger, layout, perturbed);
      const after = await predictor.predict(perturbed);
      const others = [...called.keys()].filter(
        (at) => wanted(target, called[at] as number) !== called[at],
      );
      const hits = others.filter((at) => after[at] === wanted(target, called[at] as number));
      rates.push(rate(hits.length, others.length));
    }
    return rates;
  } finally {
    await predictor.dispose();
  }
}
