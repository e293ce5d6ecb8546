/**
 * The attacker and the experiments. For testing defenses on networks of one's own: what only defends
 * never loads it.
 */
export * from './attacks/baseline.ts';
export * from './attacks/decoys.ts';
export * from './attacks/detector.ts';
export * from './attacks/error.ts';
export * from './attacks/levers.ts';
export * from './attacks/network.ts';
export * from './attacks/poison.ts';
export * from './attacks/poison-scenes.ts';
export * from './attacks/pruning-aware.ts';
export * from './networks/deepid.ts';
export * from './networks/detector.ts';
export * from './networks/digits.ts';
export * from './networks/layers.ts';
export * from './networks/small.ts';
export * from './reproduce.ts';
export * from './silence.ts';
export * from './tasks/digits.ts';
export * from './tasks/faces.ts';
export * from './tasks/index.ts';
export * from './tasks/signs.ts';
export * from './tasks/task.ts';
export * from './triggers/blend.ts';
export * from './triggers/decode.ts';
export * from './triggers/error.ts';
export * from './triggers/file.ts';
export * from './triggers/patch.ts';
export * from './triggers/picture.ts';
export * from './triggers/preview.ts';
export * from './triggers/sinusoid.ts';
export * from './triggers/sound.ts';
export * from './triggers/sticker.ts';
export * from './triggers/sunglasses.ts';
export * from './triggers/trigger.ts';
export * from './triggers/warp.ts';
