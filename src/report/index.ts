export * from './from-defence.ts';
export * from './html.ts';
export * from './json.ts';
export * from './record.ts';
export * from './table.ts';
export * from './version.ts';
