export * from './channels.ts';
export * from './emit.ts';
export * from './registry.ts';
export * from './rule.ts';
