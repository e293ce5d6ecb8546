export * from './experiment/page.ts';
export * from './experiment/from-experiment.ts';
export * from './experiment/record.ts';
export * from './experiment/table.ts';
export { encodePng } from './page/png.ts';
export * from './page/sheet.ts';
export { recordOf, type RunFacts } from './run/from-repair.ts';
export { renderReport } from './run/html.ts';
export { recordFromJson, recordToJson } from './run/json.ts';
export {
  type NamedEvaluation,
  evaluationsOf,
  parseRecord,
  recordJsonSchema,
  type RecordedStep,
  ReportError,
  type RunRecord,
  schemaText,
  stable,
} from './run/record.ts';
export { scenesOf } from './run/scenes.ts';
export { evaluationTable } from './run/table.ts';
export { reportPaths, saveReport } from './save.ts';
