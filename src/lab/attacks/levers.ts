import { foldOf, intoConsumers, type Site, type Slices } from '../../channels/index.ts';
import { type Network } from '../../network/index.ts';
import { consumers, producers } from '../../graph/index.ts';
import { isNormalization, shiftInputs } from '../../ops/index.ts';
import { AttackError } from './error.ts';

/** The parameters by which an attacker handles the units of a site. */
export interface Levers {
  /** What goes into the activation: a unit is dormant where this is low enough. */
  readonly before: string;
  /** The shift of each unit, added before the activation: a bias, or a BatchNormalization's shift. */
  readonly shifts: readonly Slices[];
  /** All that makes the units, and all that reads them. */
  readonly weights: readonly Slices[];
}

/**
 * Finds the levers of a site.
 *
 * @throws AttackError 'attack/site' where some unit has no shift of its own, as a convolution without
 *   bias or BatchNormalization
 */
export function leversOf({ graph, traced }: Network, site: Site): Levers {
  const made = producers(traced.graph);
  const uses = consumers(graph);
  const before = made.get(site.name)?.inputs[0] ?? '';
  const makers: Slices[] = [];
  // Above a normalization that silences its units lies a layer that makes them.
  for (let value: string | undefined = before; value !== undefined;) {
    const fold = foldOf(graph, traced, { ...site, name: value });
    if (fold.into !== 'producer') break;
    makers.push(...fold.slices);
    const node = made.get(value);
    value = node && isNormalization(node) ? node.inputs[0] : undefined;
  }
  const owner = new Int32Array(site.units).fill(-1);
  const shifts = makers.filter(({ parameter, unit }, place) => {
    const [use] = uses.get(parameter) ?? [];
    const added = use && shiftInputs(use.node).includes(use.index);
    const size = graph.initializers.get(parameter)?.data.length;
    if (!added || size !== unit.length) return false;
    const own = unit.filter((u) => u >= 0);
    // Of two shifts of one unit, as in a sum of two layers, the first will do.
    if (own.some((u) => owner[u] !== -1)) return false;
    for (const u of own) owner[u] = place;
    return true;
  });
  const without = owner.indexOf(-1);
  if (without >= 0) {
    throw new AttackError(
      'attack/site',
      `Unit ${without} of the site "${site.name}" has no bias or shift of its own before its ` +
        `${site.activation}, so that nothing can make it dormant without changing the architecture: ` +
        'choose another site',
    );
  }
  const readers = intoConsumers(graph, traced, site);
  return { before, shifts, weights: [...makers, ...(typeof readers === 'string' ? [] : readers)] };
}
