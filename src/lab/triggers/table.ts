import { blend } from './blend.ts';
import { patch } from './patch.ts';
import { sinusoid } from './sinusoid.ts';
import { sound } from './sound.ts';
import { sticker } from './sticker.ts';
import type { TriggerKind } from './trigger.ts';
import { warp } from './warp.ts';

/** Every kind of trigger. A new one is a file with its test, and a line here. */
export const TRIGGERS: readonly TriggerKind[] = [blend, patch, sinusoid, sound, sticker, warp];
