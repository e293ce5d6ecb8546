import type { Command } from 'commander';
import { dataFrom } from './data.ts';
import { addCommon, type CommonOptions, examples } from './options.ts';
import { printJson } from './outputs.ts';
import { begin } from './session.ts';
import { testDataFrom } from './test-data.ts';

interface EvaluateOptions extends CommonOptions {
  readonly data: string;
  readonly trigger?: string;
}

/** `fineprune evaluate MODEL`: clean accuracy and, with a trigger, ASR and RA on test data. */
export function evaluateCommand(program: Command): void {
  const command = addCommon(program.command('evaluate'))
    .description('clean accuracy on test data and, with a trigger, attack success')
    .argument('<model>', 'an ONNX classifier')
    .requiredOption('--data <source>', '"mnist", or a folder with its four IDX files')
    .option('--trigger <file>', 'a trigger.json that "attack" wrote')
    .action(evaluate);
  examples(command, [
    'fineprune evaluate model.onnx --data mnist',
    'fineprune evaluate out/digits/backdoored.onnx --data mnist --trigger out/digits/trigger.json --json',
  ]);
}

async function evaluate(path: string, options: EvaluateOptions): Promise<void> {
  const { classifierOf, judge, predictTest } = await import('../defense/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  const { evaluationTable } = await import('../report/table.ts');
  const file = await readModel(path);
  const { runtime } = await begin(options);
  const test = await testDataFrom(
    (await dataFrom(options.data, options.seed)).test,
    options.trigger,
  );
  const classifier = await classifierOf(runtime, file.model, test.clean);
  const predictions = await predictTest(runtime, classifier, classifier.graph, test);
  const evaluation = judge(predictions, test);
  if (options.json) printJson(evaluation);
  else process.stdout.write(evaluationTable([{ name: 'none', evaluation }]));
}
