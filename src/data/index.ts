export * from './batches.ts';
export * from './dataset.ts';
export * from './digest.ts';
export * from './error.ts';
export * from './idx.ts';
export * from './mnist.ts';
export * from './random.ts';
export * from './splits.ts';
