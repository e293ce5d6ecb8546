import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { Target } from '../../metrics/index.ts';
import { decodePicture, decodeRecording } from './decode.ts';
import { TriggerError } from './error.ts';
import type { BesideFile } from './picture.ts';
import { parseTrigger, type Trigger, type TriggerJson } from './trigger.ts';

/** What an attack stamps on inputs, and what it wants them to be called. */
export interface TriggerFile {
  readonly trigger: Trigger;
  readonly target: Target;
}

const label = z.int().min(0);

const targetSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all-to-one'), label }),
  z.strictObject({ kind: z.literal('all-to-all'), classes: z.int().min(2) }),
  z.strictObject({ kind: z.literal('source-to-target'), source: label, target: label }),
  z.strictObject({ kind: z.literal('untargeted') }),
]) satisfies z.ZodType<Target>;

const fileSchema = z.object({ trigger: z.unknown(), target: targetSchema });

/**
 * Reads a trigger file as `attack` writes it, with the picture or sound beside it.
 *
 * @throws TriggerError `trigger/format` where it is not one, `trigger/file` where what lies beside it
 *   is missing or no picture or sound
 */
export async function readTrigger(path: string): Promise<TriggerFile> {
  const parsed = fileSchema.safeParse(await readJson(path));
  if (!parsed.success) {
    throw new TriggerError(
      'trigger/format',
      `${path} is no trigger file:\n${z.prettifyError(parsed.error)}\nGive the trigger.json that "fineprune attack" wrote.`,
      { cause: parsed.error },
    );
  }
  const json = parseTrigger(parsed.data.trigger, path);
  return { trigger: await whole(json, dirname(path)), target: parsed.data.target };
}

/** The text of a trigger file; what `besideFiles` gives belongs beside it. */
export function triggerJson({ trigger, target }: TriggerFile): string {
  return `${JSON.stringify({ trigger: named(trigger), target }, null, 2)}\n`;
}

/** Pictures and sounds that a trigger file names. */
export function besideFiles(trigger: Trigger): BesideFile[] {
  if ('picture' in trigger) return trigger.picture.from ? [trigger.picture.from.file] : [];
  if (trigger.kind === 'sound' && 'recording' in trigger.pattern) {
    const { from } = trigger.pattern.recording;
    return from ? [from] : [];
  }
  return [];
}

/** The trigger with the names of files in place of what came from them. */
function named(trigger: Trigger): TriggerJson {
  if ('picture' in trigger && trigger.picture.from) {
    const { file, low, high } = trigger.picture.from;
    const picture = { file: file.name, low, high };
    return parseTrigger({ ...trigger, picture }, 'this trigger');
  }
  const [file] = besideFiles(trigger);
  const pattern = file && { pattern: { recording: { file: file.name } } };
  return parseTrigger({ ...trigger, ...pattern }, 'this trigger');
}

/** The trigger with what lies in files beside its JSON. */
async function whole(json: TriggerJson, folder: string): Promise<Trigger> {
  if ('picture' in json) {
    const { picture } = json;
    if (!('file' in picture)) return { ...json, picture };
    const file = await beside(folder, picture.file);
    return { ...json, picture: await decodePicture(file, picture) };
  }
  if (json.kind !== 'sound') return json;
  const { pattern } = json;
  if (!('recording' in pattern)) return { ...json, pattern };
  const { recording } = pattern;
  if (!('file' in recording)) return { ...json, pattern: { recording } };
  const file = await beside(folder, recording.file);
  return { ...json, pattern: { recording: decodeRecording(file, json.rate) } };
}

async function beside(folder: string, name: string): Promise<BesideFile> {
  const path = join(folder, name);
  try {
    return { name, bytes: await readFile(path) };
  } catch (cause) {
    throw new TriggerError(
      'trigger/file',
      `${path}, which belongs to the trigger, cannot be read (${reasonOf(cause)}): put it beside ` +
        'the trigger file',
      { cause },
    );
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TriggerError('trigger/format', `${path} cannot be read as JSON: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
