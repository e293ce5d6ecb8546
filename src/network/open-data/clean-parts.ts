import { type Dataset, type DatasetsOptions, type Part, split, take } from '../../data/index.ts';

export type Parts = Partial<Record<Part, Dataset>>;

/** Reads the parts of data. */
export type OpenParts = (
  from: string,
  options: Pick<DatasetsOptions, 'labels' | 'outputs' | 'parts'>,
) => Promise<Parts>;

/** Validation and test data, and how they were made, for people to read. */
export interface CleanParts {
  readonly validation: Dataset;
  readonly test: Dataset;
  readonly description: string;
}

/** Which data are asked for. */
export type Need = 'all' | 'test' | 'validation';

/** The largest number of validation samples taken from a training part; it is also at most a sixth. */
const VALIDATION = 10_000;

/**
 * Decides which clean data are for validation and which for the test, and reads those only.
 *
 * @param data.need - 'test' does not read validation data if possible; 'validation' does not read test data
 */
export async function cleanParts(
  data: {
    readonly from: string;
    readonly testData: string | undefined;
    readonly seed: number;
    readonly need: Need;
  },
  open: OpenParts,
): Promise<CleanParts> {
  const { from, testData, seed, need } = data;
  if (testData !== undefined) {
    const test = wholeOr(await open(testData, {}), ['test']);
    const validation =
      need === 'test' ? test : wholeOr(await open(from, { labels: test.classes }), ['validation']);
    return described({ validation, test }, 'as given');
  }
  const { whole, train, validation, test } = await open(from, {
    parts: (there) => worthReading(there, need),
  });
  if (need === 'validation') {
    const drawn = validation ?? (train && fewer(train, seed)) ?? whole ?? test;
    if (!drawn) throw new Error(`${from} has no data`);
    return { validation: drawn, test: drawn, description: `${drawn.length} clean samples` };
  }
  if (test && need === 'test') {
    return { validation: test, test, description: describe({ test }, 'its test part') };
  }
  if (test && validation) return described({ validation, test }, 'its own parts');
  if (test && train) {
    // With the same seed, the lab's attacker does not train on these samples.
    const count = Math.min(VALIDATION, Math.floor(train.length / 6));
    const drawn = split(train, { train: train.length - count, validation: count }, seed);
    return described(
      { validation: drawn.validation, test },
      `validation drawn from the training part by seed ${seed}`,
    );
  }
  const all = whole ?? test ?? validation ?? train;
  if (!all) throw new Error(`${from} has no data`);
  return described(
    split(all, { validation: 0.5, test: 0.5 }, seed),
    `halves of ${all.name} by seed ${seed}; --test-data names a test part`,
  );
}

/** The whole data set if it has no parts, else its test or validation part, else any part. */
export function wholeOrTest(parts: Parts): Dataset {
  return wholeOr(parts, ['test', 'validation']);
}

function wholeOr(parts: Parts, names: readonly Part[]): Dataset {
  const found = [parts.whole, ...names.map((name) => parts[name]), ...Object.values(parts)];
  const first = found.find((dataset) => dataset !== undefined);
  if (!first) throw new Error('data without a part');
  return first;
}

/** A sample of a training part, as large as the validation data. */
function fewer(train: Dataset, seed: number): Dataset {
  return take(train, Math.min(VALIDATION, train.length), seed);
}

function worthReading(there: readonly Part[], need: Need): readonly Part[] {
  if (need === 'validation') {
    const [best] = (['validation', 'train'] as const).filter((part) => there.includes(part));
    return best ? [best] : there;
  }
  if (!there.includes('test')) {
    return there.includes('validation') ? ['validation'] : there;
  }
  if (need === 'test') return ['test'];
  return there.includes('validation') ? ['validation', 'test'] : there;
}

function described(
  parts: { readonly validation: Dataset; readonly test: Dataset },
  how: string,
): CleanParts {
  return { ...parts, description: describe(parts, how) };
}

function describe(parts: Readonly<Record<string, Dataset>>, how: string): string {
  const counts = Object.entries(parts).map(([part, { length }]) => `${length} ${part} samples`);
  return `${counts.join(', ')} (${how})`;
}
