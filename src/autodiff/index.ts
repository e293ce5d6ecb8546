export * from './error.ts';
export * from './gradients.ts';
