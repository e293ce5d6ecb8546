import type { ExperimentResult } from '../../lab/index.ts';
import { scenesOf } from '../run/scenes.ts';
import type { ExperimentPart } from './record.ts';

/** The part of a record for one result of an experiment: plain data. */
export async function experimentPart({
  runs,
  networks,
  outcomes,
  test,
}: ExperimentResult): Promise<ExperimentPart> {
  const withScenes = await Promise.all(
    networks.map(async (network) => ({
      ...network,
      scenes: await scenesOf(outcomes.get(network.attack) ?? [], test),
    })),
  );
  return structuredClone({ runs, networks: withScenes }) as ExperimentPart;
}
