export * from './attributes.ts';
export * from './builder.ts';
export * from './model.ts';
export * from './normalise.ts';
export * from './opset.ts';
export * from './precision.ts';
export * from './traced.ts';
export * from './traverse.ts';
