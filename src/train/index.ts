export * from './gradients.ts';
export * from './loop.ts';
export * from './losses.ts';
export * from './optimisers.ts';
export * from './predict.ts';
export * from './range.ts';
export * from './schedules.ts';
export * from './step.ts';
