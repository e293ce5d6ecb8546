import type { Dataset } from '../data/index.ts';
import type { Network, ScaleCheck } from '../network/index.ts';
import type { Runtime } from '../runtime/index.ts';

/**
 * Warns on standard error where a model seems to be fed on another scale than it expects, or takes
 * its samples in batches of one size only.
 */
export async function warnOfModel(
  runtime: Runtime,
  classifier: Network,
  dataset: Dataset,
): Promise<void> {
  const { checkScale } = await import('../network/index.ts');
  const { fixedBatchSize } = await import('../train/index.ts');
  const found = [
    scaleWarning(await checkScale(runtime, classifier, dataset)),
    batchWarning(fixedBatchSize(classifier.graph, classifier.input)),
  ];
  for (const warning of found) {
    if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
  }
}

/** What to say of a batch size that could not be changed, if there is one. */
export function batchWarning(rows: number | undefined): string | undefined {
  if (rows === undefined) return undefined;
  const taken = rows === 1 ? 'single samples' : `batches of ${rows}`;
  const seen = rows === 1 ? 'one sample' : `${rows} samples`;
  return `the model takes ${taken}, and could not be rewritten for other batches: everything is slower, and a step of fine-tuning sees ${seen}, whatever --batch says; export it with a dynamic batch axis if you can`;
}

/** What to say of a check, if anything. */
export function scaleWarning({ accuracy, nearChance, better }: ScaleCheck): string | undefined {
  if (!nearChance && better.length === 0) return undefined;
  const found = `clean accuracy is ${percent(accuracy)} on ${accuracy.of} samples${nearChance ? ', little more than guessing' : ''}`;
  const advice =
    better.length > 0
      ? `it is higher with other preprocessing: ${better
          .slice(0, 3)
          .map(({ name, accuracy }) => `${percent(accuracy)} with ${commandOf(name)}`)
          .join(', ')}`
      : 'no preset gives better: check the labels (--labels), the order of the classes and --preprocess';
  return `${found}; ${advice}`;
}

const percent = ({ rate }: { readonly rate: number }) => `${(100 * rate).toFixed(1)}%`;

function commandOf(name: string): string {
  const [preset, channels] = name.split(', ');
  return `--preprocess ${preset}${channels === undefined ? '' : ` --channels ${channels}`}`;
}
