import { InvalidArgumentError, Option, type Command } from 'commander';

/** Options of every command that runs networks. */
export interface RunningOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly threads?: number | undefined;
  readonly backend?: 'native' | 'wasm' | undefined;
}

/** Options of commands that also have a seed. */
export interface CommonOptions extends RunningOptions {
  readonly seed: number;
}

export function addCommon(command: Command): Command {
  return addRunning(command.option('--seed <n>', 'seed of every random choice', wholeNumber, 0));
}

export function addRunning(command: Command): Command {
  return command
    .option('--json', 'print only the result, as JSON, on standard output')
    .option('--quiet', 'show no progress')
    .option('--threads <n>', 'threads of ONNX Runtime (default: all cores, at most 4)', positive)
    .addOption(
      new Option('--backend <name>', 'ONNX Runtime to use (default: native if installed)').choices([
        'native',
        'wasm',
      ]),
    );
}

/** Adds examples to the end of a command's `--help`. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`,
  );
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be a whole number from 0 on.');
  }
  return value;
}

export function positive(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be at least 1.');
  return value;
}

/** Parses seeds with commas between them, such as 0,1,2. */
export function seedList(text: string): number[] {
  const seeds = text.split(',').map((part) => wholeNumber(part));
  if (new Set(seeds).size !== seeds.length) {
    throw new InvalidArgumentError('A seed is listed twice.');
  }
  return seeds;
}

/** Parses percentage points to a share. */
export function percentagePoints(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100)) {
    throw new InvalidArgumentError('It must be a number of percentage points from 0 to 100.');
  }
  return value / 100;
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  }
  return value;
}

export function shareBetween(text: string): number {
  const value = share(text);
  if (value === 0 || value === 1) {
    throw new InvalidArgumentError('It must be above 0 and below 1.');
  }
  return value;
}

export function aboveZero(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Parses a time such as 90s, 5m or 1h to seconds. */
export function duration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([smh])$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? 0);
  if (!(seconds > 0)) throw new InvalidArgumentError('It must be a time such as 90s or 5m.');
  return seconds;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** Parses a size such as 500MB, 2GB, 1.5G or 4096 to bytes. */
export function size(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)B?$/i.exec(text.trim()) ?? [];
  if (number === '') throw new InvalidArgumentError('It must be a size such as 500MB or 2GB.');
  return Math.floor(Number(number) * (UNITS[unit.toUpperCase()] as number));
}
