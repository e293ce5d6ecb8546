import { foldOf, intoConsumers, type Site, type Slices } from '../../channels/index.ts';
import { type Network } from '../../network/index.ts';
import { consumers, producers } from '../../graph/index.ts';
import { isNormalization, shiftInputs } from '../../ops/index.ts';
import { AttackError } from './error.ts';

/** The parameters of the units of a site. */
export interface UnitParameters {
  /** The input of the activation. A unit is dormant where this is low enough. */
  readonly preActivation: string;
  /** The shift of each unit before the activation: a bias, or the shift of a normalization. */
  readonly shifts: readonly Slices[];
  /** All weights of the units, and those of the layers that read them. */
  readonly weights: readonly Slices[];
}

/**
 * Finds the parameters of the units of a site.
 *
 * @throws AttackError 'attack/site' where some unit has no shift of its own, for example after a
 *   convolution without bias or BatchNormalization
 */
export function unitParametersOf({ graph, traced }: Network, site: Site): UnitParameters {
  const producer = producers(traced.graph);
  const uses = consumers(graph);
  const preActivation = producer.get(site.name)?.inputs[0] ?? '';
  const own: Slices[] = [];
  // A normalization is preceded by the layer that computes the units.
  for (let value: string | undefined = preActivation; value !== undefined;) {
    const fold = foldOf(graph, traced, { ...site, name: value });
    if (fold.into !== 'producer') break;
    own.push(...fold.slices);
    const node = producer.get(value);
    value = node && isNormalization(node) ? node.inputs[0] : undefined;
  }
  const owner = new Int32Array(site.units).fill(-1);
  const shifts = own.filter(({ parameter, unit }, place) => {
    const [use] = uses.get(parameter) ?? [];
    const added = use && shiftInputs(use.node).includes(use.index);
    const size = graph.initializers.get(parameter)?.data.length;
    if (!added || size !== unit.length) return false;
    const units = unit.filter((u) => u >= 0);
    // A unit may have two shifts, as the sum of two layers: the first is enough.
    if (units.some((u) => owner[u] !== -1)) return false;
    for (const u of units) owner[u] = place;
    return true;
  });
  const without = owner.indexOf(-1);
  if (without >= 0) {
    throw new AttackError(
      'attack/site',
      `Unit ${without} of the site "${site.name}" has no bias or shift of its own before its ` +
        `${site.activation}: it cannot be made dormant without a change of the architecture. ` +
        'Choose another site',
    );
  }
  const readers = intoConsumers(graph, traced, site);
  const weights = [...own, ...(typeof readers === 'string' ? [] : readers)];
  return { preActivation, shifts, weights };
}
