import type { Dataset } from '../data/index.ts';
import type { ScaleCheck } from '../defense/index.ts';
import type { Model } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';

/** Warns on standard error where a model seems to be fed on another scale than it expects. */
export async function warnOfScale(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
  options: { readonly output?: string },
): Promise<void> {
  const { checkScale, classifierOf } = await import('../defense/index.ts');
  const classifier = await classifierOf(runtime, model, dataset, options);
  const warning = scaleWarning(await checkScale(runtime, classifier, dataset));
  if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
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
