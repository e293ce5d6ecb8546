export * from './infer-types.ts';
export * from './node.ts';
export * from './runtime.ts';
export * from './trace.ts';
