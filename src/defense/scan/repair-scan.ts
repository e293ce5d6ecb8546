import { AutodiffError } from '../../autodiff/index.ts';
import type { Dataset } from '../../data/index.ts';
import type { Rate } from '../../metrics/index.ts';
import type { Network } from '../../network/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { DefenseError } from '../error.ts';
import { surrogateSuccess } from './inverted.ts';
import type { Scan } from './result.ts';
import { scanNetwork } from './scan.ts';
import type { ScanOptions } from './settings.ts';

/** Scans before and after a repair. */
export interface RepairScan {
  /** Of the network as it was given. */
  readonly before: Scan;
  /** Of the repaired one; undefined where nothing was found before. */
  readonly after: Scan | undefined;
  /** How the triggers that were found before work on the repaired network. */
  readonly remaining: readonly RemainingTrigger[];
}

export interface RemainingTrigger {
  /** The target: its label and its name. */
  readonly class: number | null;
  readonly name: string;
  readonly family: string;
  /** Surrogate attack success on the network as given, and on the repaired one. */
  readonly before: Rate;
  readonly after: Rate;
}

/** Surrogate attack success of a trigger that counts as gone. */
export const REMAINING = 0.2;

/** What is said of a network that decides by its input. */
export const LOGIC_LEFT =
  'decisions about the input still switch the scores, which no repair of weights removes';

/** The scan of a network, or why it cannot be scanned. */
export async function scanOrReason(
  runtime: Runtime,
  network: Network,
  data: Dataset,
  options: ScanOptions,
): Promise<Scan | string> {
  try {
    return await scanNetwork(runtime, network, data, options);
  } catch (error) {
    const cannot =
      error instanceof AutodiffError ||
      (error instanceof DefenseError && error.code === 'defense/scan');
    if (cannot) return error.message;
    throw error;
  }
}

/**
 * Looks at a repaired network: the triggers that were found before are tried on it, and it is scanned
 * anew with another seed.
 */
export async function scanAfter(
  runtime: Runtime,
  repaired: Network,
  data: Dataset,
  before: Scan,
  options: ScanOptions,
): Promise<RepairScan> {
  if (before.verdict === 'nothing found') return { before, after: undefined, remaining: [] };
  const { suspects, layout, settings } = before;
  const rates = await surrogateSuccess(runtime, repaired, data, {
    suspects,
    layout,
    seed: settings.seed,
  });
  const after = await scanNetwork(runtime, repaired, data, {
    ...options,
    seed: settings.seed + 1,
  });
  return {
    before,
    after,
    remaining: suspects.map(({ class: target, name, family, surrogate }, at) => ({
      class: target,
      name,
      family,
      before: surrogate,
      after: rates[at] as Rate,
    })),
  };
}

/** What a scan still finds in a repaired network, for people to read; undefined where it is quiet. */
export function stillFound({ after, remaining }: RepairScan): string | undefined {
  const working = remaining.filter((trigger) => trigger.after.rate > REMAINING);
  if (working.length > 0) {
    const list = working.map(
      ({ name, after: { hits, of } }) =>
        `the trigger found for "${name}" on ${hits} of ${of} samples`,
    );
    return `what a scan found before still works: ${list.join(', ')}`;
  }
  if (!after || after.verdict === 'nothing found') return undefined;
  if (after.inputLogic.length > 0) {
    return LOGIC_LEFT;
  }
  const names = after.suspects.map(({ name }) => `"${name}"`).join(', ');
  return `a new scan still finds a small trigger for ${names}`;
}
