/** For tests only: command lines in documentation, checked against the command line itself. */
import type { Argument, Command, Option } from 'commander';

/** Code of a page: spans, and the lines of blocks, those continued with a backslash as one. */
function codeOf(page: string): string[] {
  const lines = page.replaceAll(/\\\n\s*/g, ' ').split('\n');
  let fenced = false;
  return lines.flatMap((line) => {
    if (line.startsWith('```')) fenced = !fenced;
    else if (fenced || /^ {4}/.test(line)) return [line.trim()];
    return [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
  });
}

/** The words of a shell line, up to a comment, a pipe or another command. */
function wordsOf(text: string): string[] {
  const words = text.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const end = words.findIndex((word) => ['#', '|', '&&', '>', ';'].includes(word));
  const own = end < 0 ? words : words.slice(0, end);
  return own.map((word) => word.replaceAll(/^['"]|['",.]$/g, '')).filter((word) => word !== '--');
}

/** Stands for a value that the reader fills in. */
const isPlaceholder = (word: string) => /^[A-Z_]+$/.test(word) || word.includes('...');

/** What an option or an argument says of a value; nothing where it takes it. */
function refusalOf(taker: Option | Argument, value: string): string[] {
  if (isPlaceholder(value)) return [];
  try {
    taker.parseArg?.(value, undefined as never);
    return [];
  } catch (error) {
    return [`"${value}" for ${taker.name()}: ${(error as Error).message}`];
  }
}

/** What is wrong with the flags and arguments of a command. */
function problemsWith(command: Command, words: readonly string[]): string[] {
  const given = [...command.registeredArguments];
  const problems: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [flag = '', inline] = (words[at] as string).split('=', 2);
    if (!flag.startsWith('--')) {
      const argument = given.shift();
      if (argument) problems.push(...refusalOf(argument, flag));
      else problems.push(`"${flag}" is an argument too much for ${command.name()}`);
      continue;
    }
    if (flag === '--help') continue;
    const option = command.options.find(({ long }) => long === flag);
    if (!option) {
      problems.push(`${command.name()} has no ${flag}`);
      while (!(words[at + 1] ?? '--').startsWith('--')) at += 1;
      continue;
    }
    const takes = option.required || option.optional;
    const most = !takes ? 0 : option.variadic ? Infinity : 1;
    const values = inline === undefined ? [] : [inline];
    while (values.length < most && !(words[at + 1] ?? '--').startsWith('--')) {
      values.push(words[(at += 1)] as string);
    }
    problems.push(...values.flatMap((value) => refusalOf(option, value)));
  }
  return problems;
}

/** All commands, those within others too. */
const allOf = (command: Command): Command[] => [command, ...command.commands.flatMap(allOf)];

/** What is wrong with a line that begins with the name of a command. */
function problemsOfLine(program: Command, line: string): string[] {
  let command = program;
  const words = wordsOf(line);
  for (;;) {
    const next = command.commands.find((each) => each.name() === words[0]);
    if (!next) break;
    command = next;
    words.shift();
  }
  if (command === program && words.length > 0 && !words[0]?.startsWith('--')) {
    return [`there is no command "${words[0]}"`];
  }
  return problemsWith(command, words).map((problem) => `${problem} (${line})`);
}

/** A command line, by any of the ways to start one. */
const COMMAND = /\b(?:npm run fineprune -- +|npm run (?=reproduce|demo)|fineprune +)(.*)$/;

/** What is wrong with the command lines in a page, and with flags that its text names. */
export function problemsIn(program: Command, page: string): string[] {
  return codeOf(page).flatMap((code) => {
    const found = COMMAND.exec(code);
    if (found && !/^(import|export) /.test(code)) {
      return problemsOfLine(program, found[1] as string);
    }
    const [flag, ...values] = code.startsWith('--') ? wordsOf(code) : [];
    if (flag === undefined) return [];
    const commands = allOf(program);
    const tries = commands.map((command) => problemsWith(command, [flag, ...values]));
    return tries.some((problems) => problems.length === 0) ? [] : [`no command has \`${code}\``];
  });
}

/** The help of every command, as the command line prints it. */
export function helpOf(program: Command): string[] {
  return allOf(program).map((command) => {
    let text = '';
    command.configureOutput({ writeOut: (more) => (text += more) });
    command.outputHelp();
    return text;
  });
}
