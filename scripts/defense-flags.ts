import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as z from 'zod';
import { commonSettings, DEFAULT_METHOD, DEFENSES, type Defense } from '../src/defense/index.ts';
import type { DefenseFlags, Flag } from '../src/cli/defense-flags.ts';

/**
 * Writes what the command line knows of defenses, out of their table: so `--help` loads no library, and
 * a new defense needs no line there. `npm run generate` runs it; a test fails when the file is stale.
 */
export function defenseFlags(): DefenseFlags {
  const defenses = DEFENSES as readonly Defense[];
  const flags = new Map<string, Flag>();
  for (const { name, settings } of [
    { name: '', settings: commonSettings },
    ...defenses.map(({ name, settings }) => ({ name, settings })),
  ]) {
    for (const [key, schema] of Object.entries(settings.shape)) {
      const before = flags.get(key);
      const flag = flagOf(key, schema as z.ZodType, name);
      // The first method of the table that has a setting says what it means: pruning says what a site is.
      if (flag) flags.set(key, { ...(before ?? flag), of: [...(before?.of ?? []), ...flag.of] });
    }
  }
  return {
    method: DEFAULT_METHOD,
    methods: defenses.map(({ name, description, source }) => ({ name, description, source })),
    flags: [...flags.values()],
  };
}

interface Meta {
  readonly description?: string;
  readonly flag?: string | false;
  readonly value?: string;
  readonly default?: string;
}

function flagOf(key: string, schema: z.ZodType, of: string): Flag | undefined {
  const { description = '', flag, value, default: usual } = (schema.meta() ?? {}) as Meta;
  if (flag === false) return undefined;
  const json = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as JsonSchema;
  const alternatives = json.anyOf ?? [json];
  const has = (type: string) => alternatives.find((one) => one.type === type);
  const number = has('integer') ?? has('number');
  const choices = alternatives.flatMap(
    (one) => one.enum ?? (one.const === undefined ? [] : [one.const]),
  );
  const list = has('array');
  const kind = has('boolean') ? 'boolean' : list ? 'list' : number ? 'number' : 'text';
  return {
    key,
    flag: flag ?? key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    kind,
    value: value ?? (kind === 'number' ? (number?.type === 'integer' ? 'n' : 'x') : 'name'),
    description,
    ...(usual === undefined
      ? json.default !== undefined && kind !== 'boolean' && { default: String(json.default) }
      : { default: usual }),
    ...(choices.length > 0 && { choices }),
    ...(list?.items?.enum && { items: list.items.enum }),
    ...(number && {
      integer: number.type === 'integer',
      ...bounds(number),
    }),
    of: of === '' ? [] : [of],
  };
}

interface JsonSchema {
  readonly type?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly items?: JsonSchema;
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema) {
  const unbounded = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER;
  return {
    ...(minimum !== undefined && { min: minimum }),
    ...(!unbounded && { max: maximum }),
    ...(exclusiveMinimum !== undefined && { above: exclusiveMinimum }),
    ...(exclusiveMaximum !== undefined && { below: exclusiveMaximum }),
  };
}

/** The file's text. */
export function flagsText(): string {
  return `${JSON.stringify(defenseFlags(), null, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const path = fileURLToPath(new URL('../src/cli/generated/defenses.json', import.meta.url));
  writeFileSync(path, flagsText());
}
