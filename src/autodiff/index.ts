export * from './error.ts';
export * from './gradients.ts';
export * from './trainable.ts';
