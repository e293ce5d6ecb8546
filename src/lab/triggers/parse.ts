import * as z from 'zod';
import { TriggerError } from './error.ts';
import { TRIGGERS } from './table.ts';
import type { ReadAttached, Trigger, TriggerKind } from './trigger.ts';

export interface ParseOptions {
  /** The file or option of the JSON, for messages; 'the JSON' by default. */
  readonly where?: string | undefined;
  /** The kinds to read, `TRIGGERS` by default: add kinds of your own to them. */
  readonly triggers?: readonly TriggerKind[] | undefined;
  /** Reads files that the JSON names. Without it, they are an error. */
  readonly read?: ReadAttached | undefined;
}

const kindSchema = z.looseObject({ kind: z.string() });

/**
 * Makes a trigger from its JSON.
 *
 * @throws TriggerError `trigger/format` that lists every fault; `trigger/file` where an attached file is
 *   missing or cannot be decoded
 */
export async function parseTrigger(json: unknown, options: ParseOptions = {}): Promise<Trigger> {
  const { where = 'the JSON', triggers = TRIGGERS, read = noFiles } = options;
  const { kind: name, ...rest } = checked(kindSchema, json, where);
  const kind = triggers.find((each) => each.name === name);
  if (!kind) {
    const names = triggers.map((each) => each.name).join(', ');
    throw new TriggerError(
      'trigger/format',
      `${where} is not a trigger: its kind is ${JSON.stringify(name)}; the kinds are ${names}`,
    );
  }
  return { kind, settings: await kind.fromJson(checked(kind.schema, rest, where), read) };
}

/** The JSON of a trigger, in which attached files are named. `parseTrigger` reads it. */
export function jsonOf({ kind, settings }: Trigger): { readonly kind: string } {
  const json = checked(kind.schema, kind.toJson(settings), `this "${kind.name}"`);
  return { kind: kind.name, ...json };
}

function checked<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  // Files of earlier versions have the British spelling.
  const renamed = /"centre":/.test(JSON.stringify(json))
    ? '\n"centre" is now spelled "center"'
    : '';
  throw new TriggerError(
    'trigger/format',
    `${where} is not a trigger:\n${z.prettifyError(parsed.error)}${renamed}`,
    { cause: parsed.error },
  );
}

function noFiles(name: string): never {
  throw new TriggerError(
    'trigger/file',
    `the trigger names the file "${name}", which is not given`,
  );
}
