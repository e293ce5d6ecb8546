import type { Command } from 'commander';
import type { ClassifierOptions } from '../network/index.ts';
import { addCommon, type CommonOptions, examples } from './options.ts';
import { printJson } from './outputs.ts';
import { begin } from './session.ts';

/** `fineprune inspect MODEL`: what a model is, and where it can be pruned. */
export function inspectCommand(program: Command): void {
  const command = addCommon(program.command('inspect'))
    .description('inputs, outputs, opset, sites that can be pruned, parameters, warnings')
    .argument('<model>', 'an ONNX file')
    .option('--output <name>', 'the output that has the scores (default: the first)')
    .action(inspectModel);
  examples(command, ['fineprune inspect model.onnx', 'fineprune inspect model.onnx --json']);
}

async function inspectModel(
  path: string,
  options: CommonOptions & ClassifierOptions,
): Promise<void> {
  const { inspect } = await import('../defense/index.ts');
  const { readMetadata } = await import('../data/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  const file = await readModel(path);
  const { runtime } = await begin(options);
  const found = await inspect(runtime, file, options);
  const notes = readMetadata(file.model.metadata);
  if (options.json) return printJson({ ...found, notes });
  const value = ({ name, type, dims }: (typeof found.inputs)[number]) =>
    `  ${name}  ${type} ${shape(dims)}`;
  const lines = [
    `${path}: opset ${found.opset}, ${found.parameters.toLocaleString('en')} parameters`,
    `sha256 ${found.sha256}`,
    'inputs',
    ...found.inputs.map(value),
    ...Object.entries(notes).map(([what, how]) => `  ${what}  ${JSON.stringify(how)}`),
    'outputs',
    ...found.outputs.map(value),
    'sites',
    ...found.sites.map(
      (site) =>
        `${found.defaultSites.includes(site.name) ? '*' : ' '} ${site.name}  ${site.units} units, ${site.kind} ${shape(site.dims)}, mask into ${site.fold}, read by ${site.consumers.join(', ')}`,
    ),
    ...(found.defaultSiteReason === null
      ? []
      : [`* pruned by default: ${found.defaultSiteReason}`]),
    ...found.warnings.map((warning) => `warning: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function shape(dims: readonly (number | string | null)[]): string {
  return `[${dims.map((dim) => dim ?? '?').join(', ')}]`;
}
