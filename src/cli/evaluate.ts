import type { Command } from 'commander';
import { addDataOptions, dataExamples, dataFrom, type DataOptions } from './data.ts';
import { addCommon, type CommonOptions, examples } from './options.ts';
import { printJson } from './outputs.ts';
import { begin } from './session.ts';
import { warnOfModel } from './warnings.ts';

type EvaluateOptions = CommonOptions & DataOptions;

/** `fineprune evaluate MODEL`: clean accuracy and, with a trigger, ASR and RA on test data. */
export function evaluateCommand(program: Command): void {
  const command = addCommon(addDataOptions(program.command('evaluate')))
    .description('clean accuracy on test data and, with a trigger, attack success')
    .argument('<model>', 'an ONNX classifier, or a detector that fineprune trained')
    .action(evaluate);
  examples(command, [
    'fineprune evaluate model.onnx --data mnist',
    ...dataExamples('evaluate'),
    'fineprune evaluate out/digits/backdoored.onnx --data mnist --trigger out/digits/trigger.json --json',
  ]);
}

async function evaluate(path: string, options: EvaluateOptions): Promise<void> {
  const { judge, openNetwork, predictTest } = await import('../network/index.ts');
  const { checkLabeled } = await import('../data/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  const { evaluationTable } = await import('../report/run/table.ts');
  const file = await readModel(path);
  const session = await begin(options);
  const { runtime } = session;
  const { test } = await dataFrom(file.model, options, session, 'test');
  checkLabeled(test.clean);
  const network = await openNetwork(runtime, file.model, test.clean, { output: options.output });
  await warnOfModel(runtime, network, test.clean);
  const predictions = await predictTest(runtime, network, network.graph, test);
  const evaluation = judge(network, predictions, test);
  if (options.json) printJson(evaluation);
  else process.stdout.write(evaluationTable([{ method: 'none', evaluation }]));
}
