import type { Dataset } from '../data/index.ts';
import type { Network, ScaleCheck } from '../network/index.ts';
import type { Runtime } from '../runtime/index.ts';

/**
 * Warns on standard error if the data seem to be scaled differently than the model expects, or if the model
 * has a fixed batch size.
 */
export async function warnOfModel(
  runtime: Runtime,
  network: Network,
  dataset: Dataset,
): Promise<void> {
  const check = await network.checkInput?.(runtime, dataset);
  if (!check) return;
  const found = [check.scale && scaleWarning(check.scale), batchWarning(check.fixedBatchSize)];
  for (const warning of found) {
    if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
  }
}

/** The warning of a batch size that could not be changed, if there is one. */
export function batchWarning(rows: number | undefined): string | undefined {
  if (rows === undefined) return undefined;
  const batches = rows === 1 ? 'single samples' : `batches of ${rows}`;
  const samples = rows === 1 ? 'one sample' : `${rows} samples`;
  return `the model takes ${batches}, and could not be rewritten for other batch sizes: everything is slower, and a fine-tuning step uses ${samples} whatever --batch is; export it with a dynamic batch axis if you can`;
}

/** The warning of a wrong scale, if there is one. */
export function scaleWarning({ accuracy, nearChance, better }: ScaleCheck): string | undefined {
  if (!nearChance && better.length === 0) return undefined;
  const found = `clean accuracy is ${percent(accuracy)} on ${accuracy.of} samples${nearChance ? ', little more than guessing' : ''}`;
  const advice =
    better.length > 0
      ? `it is higher with other preprocessing: ${better
          .slice(0, 3)
          .map(({ name, accuracy }) => `${percent(accuracy)} with ${commandOf(name)}`)
          .join(', ')}`
      : 'no preset is better: check the labels (--labels), the order of the classes and --preprocess';
  return `${found}; ${advice}`;
}

const percent = ({ rate }: { readonly rate: number }) => `${(100 * rate).toFixed(1)}%`;

function commandOf(name: string): string {
  const [preset, channels] = name.split(', ');
  return `--preprocess ${preset}${channels === undefined ? '' : ` --channels ${channels}`}`;
}
