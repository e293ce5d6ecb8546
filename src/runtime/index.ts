export * from './infer.ts';
export * from './node.ts';
export * from './runtime.ts';
export * from './trace.ts';
