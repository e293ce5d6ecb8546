export { auc } from './auc.ts';
export * from './confusion.ts';
export * from './detection.ts';
export * from './evaluation.ts';
export * from './interval.ts';
export * from './target.ts';
export * from './schema.ts';
