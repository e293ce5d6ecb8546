import { type Command, InvalidArgumentError, Option } from 'commander';
import generated from './generated/defenses.json' with { type: 'json' };

/** A setting of a defense, as a flag. */
export interface Flag {
  /** The setting's name. */
  readonly key: string;
  /** Without the dashes. */
  readonly flag: string;
  readonly kind: 'boolean' | 'number' | 'text' | 'list';
  /** The name of its value in the help. */
  readonly value: string;
  readonly description: string;
  /** The default, in words. */
  readonly default?: string;
  /** Words that it accepts; for a number or a list, words that it accepts in place of it. */
  readonly choices?: readonly string[];
  /** Words that a list may contain. */
  readonly items?: readonly string[];
  readonly integer?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
  /** The methods that have this setting; empty if all do. */
  readonly of: readonly string[];
}

/** The defenses, for the command line. `npm run generate` generates it from their table. */
export interface DefenseFlags {
  /** The name of the default method. */
  readonly method: string;
  readonly methods: readonly {
    readonly name: string;
    readonly description: string;
    readonly source: string;
  }[];
  readonly flags: readonly Flag[];
}

const { method, methods, flags } = generated as DefenseFlags;

export const DEFAULT_METHOD = method;

/** The names of all methods. */
export const METHODS: readonly string[] = methods.map(({ name }) => name);

/** Adds a flag for every setting of every defense. */
export function addDefenseFlags(command: Command): Command {
  for (const flag of flags) {
    const words = flag.kind === 'boolean' ? '' : ` <${flag.value}>`;
    const usual = flag.default === undefined ? '' : ` (default: ${flag.default})`;
    const items = flag.items ? ` (any of: ${flag.items.join(', ')})` : '';
    const option = new Option(
      `--${flag.flag}${words}`,
      `${flag.description}${items}${usual}${methodsOf(flag)}`,
    );
    if (flag.kind === 'text' && flag.choices) option.choices([...flag.choices]);
    else if (flag.kind !== 'boolean' && !flag.value.endsWith('...')) {
      option.argParser((text) => valueOf(flag, text));
    }
    command.addOption(option);
  }
  return command;
}

/** The methods that have a flag, in brackets; empty if all do. */
function methodsOf({ of }: Flag): string {
  const rest = METHODS.filter((name) => !of.includes(name));
  return of.length === 0 || rest.length === 0 ? '' : ` [${of.join(', ')}]`;
}

/** A flag's name in commander's options: 'max-drop' is maxDrop. */
const optionName = (flag: string) =>
  flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The settings of a defense among the options of a command. */
export function settingsFrom(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = flags.map((flag) => {
    const value = options[optionName(flag.flag)];
    return [flag.key, Array.isArray(value) ? checkedList(flag, value) : value] as const;
  });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** A list with a single special word, such as "all", becomes that word. */
function checkedList({ choices = [] }: Flag, list: readonly string[]): string | readonly string[] {
  return list.length === 1 && choices.includes(list[0] as string) ? (list[0] as string) : list;
}

function valueOf(flag: Flag, text: string): string | number | readonly string[] {
  if (flag.choices?.includes(text)) return text;
  return flag.kind === 'list' ? listOf(flag, text) : numberOf(flag, text);
}

function listOf({ items }: Flag, text: string): readonly string[] {
  const words = text.split(',');
  const unknown = words.find((word) => items && !items.includes(word));
  if (unknown === undefined) return words;
  throw new InvalidArgumentError(`"${unknown}" is not one of ${items?.join(', ')}.`);
}

function numberOf(flag: Flag, text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = flag;
  const whole = flag.integer !== true || Number.isSafeInteger(value);
  if (whole && value >= min && value <= max && value > above && value < below) return value;
  throw new InvalidArgumentError(`It must be ${rangeText(flag)}.`);
}

/** The valid range of a number in words, such as "a whole number from 1". */
function rangeText({ integer, min, max, above, below, choices = [] }: Flag): string {
  const parts = [
    integer === true ? 'a whole number' : 'a number',
    min === undefined ? '' : `from ${min}`,
    above === undefined ? '' : `above ${above}`,
    max === undefined ? '' : `to ${max}`,
    below === undefined ? '' : `below ${below}`,
  ].filter((part) => part !== '');
  return [parts.join(' '), ...choices.map((word) => `"${word}"`)].join(' or ');
}
