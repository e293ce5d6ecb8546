import { FinepruneError } from '../onnx/index.ts';

/** A numeric setting of training that is out of its range. */
export class TrainError extends FinepruneError<'train/settings'> {
  override readonly name = 'TrainError';
}

interface Range {
  readonly whole?: boolean;
  /** The smallest value allowed. */
  readonly min?: number;
  /** Values must be above this. */
  readonly above?: number;
  /** Values must be below this. */
  readonly below?: number;
}

const COUNT: Range = { whole: true, min: 1 };
const SHARE: Range = { min: 0, below: 1 };

const RANGES = {
  batchSize: COUNT,
  batches: COUNT,
  classes: COUNT,
  epochs: COUNT,
  seed: { whole: true, min: 0 },
  smoothing: SHARE,
  rate: { min: 0 },
  scale: { min: 0 },
  minRate: { above: 0 },
  maxRate: { above: 0 },
  momentum: SHARE,
  weightDecay: { min: 0 },
  beta1: SHARE,
  beta2: SHARE,
  epsilon: { above: 0 },
  rho: { above: 0 },
} as const satisfies Record<string, Range>;

/** Numeric settings by name; `undefined` stands for the default and is allowed. */
export type NumericSettings = { readonly [K in keyof typeof RANGES]?: number | undefined };

/**
 * Refuses numbers that are NaN, infinite or out of range: training would do nothing, or spoil the
 * weights, without an error.
 *
 * @throws TrainError 'train/settings' that names the setting and its range
 */
export function checkSettings(settings: NumericSettings): void {
  for (const [name, range] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES];
    if (value !== undefined && !isIn(range, value)) {
      throw new TrainError('train/settings', `${name} is ${value}; give ${described(range)}`);
    }
  }
}

function isIn({ whole, min, above, below }: Range, value: unknown): boolean {
  return (
    Number.isFinite(value) &&
    (whole !== true || Number.isSafeInteger(value)) &&
    (min === undefined || (value as number) >= min) &&
    (above === undefined || (value as number) > above) &&
    (below === undefined || (value as number) < below)
  );
}

function described({ whole, min, above, below }: Range): string {
  const bounds = [
    min !== undefined && `of ${min} or more`,
    above !== undefined && `above ${above}`,
    below !== undefined && `below ${below}`,
  ].filter((bound) => bound !== false);
  return `a ${whole === true ? 'whole ' : ''}number ${bounds.join(' and ')}`;
}
