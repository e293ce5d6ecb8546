import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { METHODS } from '../src/cli/defense-flags.ts';
import { commandLineProgram } from '../src/cli/program.ts';
import { helpOf, problemsIn } from './helpers/documented-commands.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
// The changelog names flags that were renamed.
const pages = ['', 'docs', 'experiments'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
    .map((name) => join(folder, name)),
);
const program = commandLineProgram();

test.each(pages)('commands and flags in %s are those of the command line', (page) => {
  expect(problemsIn(program, readFileSync(join(root, page), 'utf8'))).toEqual([]);
});

test('every method, and every flag of scan and defend, is named in the documentation', () => {
  const text = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n');
  const commands = program.commands.filter((each) => ['scan', 'defend'].includes(each.name()));
  const flags = commands.flatMap(({ options }) => options.map(({ long }) => long as string));
  expect(flags.length).toBeGreaterThan(60);
  expect(flags.filter((flag) => !new RegExp(`[\`\\s]${flag}\\b(?!-)`).test(text))).toEqual([]);
  expect(METHODS.filter((name) => !text.includes(`| \`${name}\``))).toEqual([]);
});

test('the examples in the help are right', () => {
  const examples = helpOf(program).flatMap((text) => text.match(/^ *\$ fineprune .*$/gm) ?? []);
  expect(examples.length).toBeGreaterThan(20);
  const page = ['```', ...examples, '```'].join('\n');
  expect(problemsIn(program, page)).toEqual([]);
});

describe('the check', () => {
  test.each([
    ['`fineprune repair m.onnx`', 'there is no command "repair"'],
    ['`npx fineprune defend m.onnx --data mnist --cover 0.5`', 'defend has no --cover'],
    [
      '    npm run fineprune -- defend m.onnx \\\n      --data x --method prune',
      '"prune" for method',
    ],
    ['```sh\nfineprune defend m.onnx --data x --augment flip,zoom\n```', '"flip,zoom" for augment'],
    ['`fineprune attack digits --seeds 0,1`', 'digits has no --seeds'],
    ['`npm run reproduce numbers -- --seeds 0`', '"numbers" for task'],
    ['with a twentieth (`--held 0.05`)', 'no command has `--held 0.05`'],
    ['`--rank loudest`', 'no command has `--rank loudest`'],
  ])('finds what is wrong with %j', (page, problem) => {
    const problems = problemsIn(program, page);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test.each([
    '`fineprune defend MODEL --data DIR --method clp --compare pruning ft-sam --slim` # --cover',
    '`fineprune attack digits --pruning-aware && fineprune data --verify`',
    '`fineprune --help`, `fineprune/lab`, `fineprune.version`, `--rate auto`, `--features`',
    "```ts\nimport { load } from 'fineprune';\n```",
  ])('lets %j through', (page) => {
    expect(problemsIn(program, page)).toEqual([]);
  });
});
