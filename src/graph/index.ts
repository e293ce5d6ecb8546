export * from './attributes.ts';
export * from './builder.ts';
export * from './opset.ts';
export * from './traced.ts';
export * from './traverse.ts';
