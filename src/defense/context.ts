import type { CleanScore } from '../metrics/index.ts';
import type { Network } from '../network/index.ts';
import type { Graph } from '../onnx/index.ts';
import { scoped } from '../train/index.ts';
import type { Defense, DefenseContext, Repaired } from './defense.ts';

/** What all defenses of one run share. */
type Shared = Omit<DefenseContext, 'score' | 'run'>;

/**
 * The context of one run. Scores are made once a graph, and defenses run once for the same settings on the
 * same network, so that methods which begin alike share their beginning.
 */
export function contextOf(shared: Shared): DefenseContext {
  const scores = new Map<Graph, Promise<CleanScore>>();
  const traced = new Map<Graph, Network>([[shared.given.graph, shared.given]]);
  const runs = new Map<Repaired, Map<string, Promise<Repaired>>>();
  const { runtime, given, clean, signal } = shared;

  const score = (graph: Graph) => {
    const known = scores.get(graph);
    if (known) return known;
    const made = given
      .predict(runtime, graph, clean.holdout, { signal })
      .then((answers) => given.score(answers, clean.holdout));
    scores.set(graph, made);
    return made;
  };

  /** The network with a trace of its own graph: methods look at it to find sites and bounds. */
  const fresh = async (network: Network) => {
    const known = traced.get(network.graph);
    if (known) return known;
    const made = await network.withGraph(runtime, network.graph, clean.all);
    traced.set(network.graph, made);
    return made;
  };

  const runnerFor = (checkpoints: DefenseContext['checkpoints']): DefenseContext['run'] =>
    function run(defense, from, settings) {
      const own = settingsOf(defense, settings);
      const key = `${defense.name} ${JSON.stringify(own, namedFunctions)}`;
      const known = runs.get(from)?.get(key);
      if (known) return known;
      const part = scoped(checkpoints, defense.name);
      const made = (async () => {
        signal?.throwIfAborted();
        const context = { ...shared, ...part, score, run: runnerFor(part.checkpoints) };
        const network = await fresh(from.network);
        // The same object where nothing is new: what was run on it before is known by it.
        return defense.run(context, network === from.network ? from : { ...from, network }, own);
      })();
      runs.set(from, (runs.get(from) ?? new Map<string, Promise<Repaired>>()).set(key, made));
      return made;
    };
  return { ...shared, score, run: runnerFor(shared.checkpoints) };
}

/** Of settings, those that a defense takes. */
function settingsOf<S extends object>({ settings }: Defense<S>, all: S): S {
  const known = Object.entries(all).filter(([key]) => key in settings.shape);
  return Object.fromEntries(known) as S;
}

const namedFunctions = (_: string, value: unknown) =>
  typeof value === 'function' ? 'a function' : value;
