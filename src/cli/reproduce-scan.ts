import type { Command } from 'commander';
import { join } from 'node:path';
import { addRunning, examples, type RunningOptions, seedList } from './options.ts';
import { printJson, put } from './outputs.ts';
import { begin } from './session.ts';

interface ReproduceScanOptions extends RunningOptions {
  readonly seeds: readonly number[];
  readonly out: string;
  readonly cases?: readonly string[] | undefined;
}

/** `fineprune reproduce scan`: trains networks with and without backdoors, and scans each. */
export function reproduceScanCommand(reproduce: Command): void {
  const command = addRunning(reproduce.command('scan'))
    .description('train networks with and without backdoors, scan each, and print the table')
    .option(
      '--seeds <list>',
      'seeds to run: 12 backdoored and 12 clean networks each',
      seedList,
      [0],
    )
    .option('--cases <words...>', 'only networks whose name contains one of these words')
    .option(
      '--out <folder>',
      'folder for networks and results; networks that are in it are not trained again',
      'out/reproduce-scan',
    )
    .action(reproduceScan);
  examples(command, [
    'fineprune reproduce scan',
    'fineprune reproduce scan --seeds 0,1',
    'fineprune reproduce scan --cases cifar10 --json',
  ]);
}

async function reproduceScan(options: ReproduceScanOptions): Promise<void> {
  const { scanBenchmark, scanBenchmarkTable, scanCases, summaryOf } =
    await import('../lab/index.ts');
  const { out, seeds, cases: words } = options;
  const { runtime, progress, signal } = await begin(options, 'Repeat the command to continue.');
  const cases = seeds
    .flatMap((seed) => scanCases(seed))
    .filter(({ name }) => words?.some((word) => name.includes(word)) ?? true);
  const lines = await scanBenchmark(runtime, cases, {
    folder: join(out, 'networks'),
    signal,
    onProgress: ({ name, verdict, ratio }, done, all) =>
      progress.say(`${done} of ${all}: ${name}: ${verdict}, ${ratio.toFixed(2)} of the median`),
  });
  const summary = summaryOf(lines);
  await put(join(out, 'scan.json'), `${JSON.stringify({ summary, lines }, null, 2)}\n`, true);
  await put(join(out, 'scan.md'), `${scanBenchmarkTable(lines)}\n`, true);
  if (options.json) printJson({ summary, lines });
  else process.stdout.write(`\n${scanBenchmarkTable(lines)}\n`);
}
