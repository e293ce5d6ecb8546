import { consumers, upstream } from '../../../graph/index.ts';
import type { Network } from '../../../network/index.ts';
import { DefenseError } from '../../error.ts';
import { sitesOf, type Site } from '../../../channels/index.ts';

/**
 * What is fine-tuned: everything; what leads to no site before those that are pruned, so the layers that
 * make them and all that follows; of a detector, of these what does more than propose regions; what comes
 * after the sites; or layers by name.
 */
export type Layers = 'all' | 'from-site' | 'regions' | 'after-site' | readonly string[];

/**
 * Picks the parameters that fine-tuning may change.
 *
 * A name is that of an initializer, of a node that reads it, or what comes before the last dot in
 * the initializer's: `fc1` for `fc1.weight` and `fc1.bias`.
 *
 * @throws DefenseError 'defense/unknown-layer' for a name that is none of these, for 'regions' of what is
 *   no detector, or where nothing is left to train
 */
export function parametersIn(
  classifier: Network,
  sites: readonly Site[],
  layers: Layers,
): readonly string[] {
  const { graph, traced, parameters } = classifier;
  if (layers === 'all') return parameters;
  const found = new Set<string>();
  if (layers === 'after-site' || layers === 'from-site' || layers === 'regions') {
    if (layers === 'regions' && classifier.proposing.length === 0) {
      throw new DefenseError(
        'defense/unknown-layer',
        'Only a detector has regions: name layers, or "all", "from-site" or "after-site"',
      );
    }
    const pruned = sites.map(({ name }) => name);
    const before = layers === 'after-site' ? pruned : sitesBefore(classifier, pruned);
    const left = upstream(traced.graph, before);
    const proposing = new Set(layers === 'regions' ? classifier.proposing : []);
    for (const parameter of parameters) {
      if (!left.has(parameter) && !proposing.has(parameter)) found.add(parameter);
    }
  } else {
    const uses = consumers(graph);
    const names = new Map(
      parameters.map((parameter) => [
        parameter,
        new Set([
          parameter,
          parameter.slice(0, Math.max(0, parameter.lastIndexOf('.'))),
          ...(uses.get(parameter) ?? []).map(({ node }) => node.name),
        ]),
      ]),
    );
    for (const layer of layers) {
      const named = parameters.filter((parameter) => names.get(parameter)?.has(layer));
      if (named.length === 0) throw unknown(layer, parameters);
      for (const parameter of named) found.add(parameter);
    }
  }
  if (found.size === 0) throw unknown(String(layers), parameters);
  return parameters.filter((parameter) => found.has(parameter));
}

/** Sites that lead to those named. */
function sitesBefore({ traced, scores }: Network, names: readonly string[]): string[] {
  const above = upstream(traced.graph, names);
  return sitesOf(traced, scores)
    .map(({ name }) => name)
    .filter((name) => above.has(name) && !names.includes(name));
}

function unknown(layer: string, parameters: readonly string[]): DefenseError {
  return new DefenseError(
    'defense/unknown-layer',
    `No parameter that can be trained is in "${layer}": name layers or parameters of ${parameters.slice(0, 24).join(', ')}${parameters.length > 24 ? ', ...' : ''}`,
  );
}
