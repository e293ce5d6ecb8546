export * from './channel-activations.ts';
export * from './channel-bounds.ts';
export * from './channel-removal.ts';
export * from './channels.ts';
export * from './emit.ts';
export { RuleError } from './refusal.ts';
export * from './registry.ts';
export * from './rule.ts';
