/** Reports of repairs and of experiments: as pages, as JSON, and as tables for a terminal. */
export { ReportError, type ReportErrorCode } from './error.ts';
export { experimentPart } from './experiment/from-experiment.ts';
export { renderExperiment } from './experiment/page.ts';
export {
  experimentFromJson,
  type ExperimentPart,
  type ExperimentRecord,
  withPart,
} from './experiment/record.ts';
export { experimentTable } from './experiment/table.ts';
export { encodePng } from './page/png.ts';
export { sheetOf } from './page/sheet.ts';
export { recordOf, type RunFacts } from './run/from-repair.ts';
export { renderReport } from './run/html.ts';
export { recordFromJson, recordToJson } from './run/json.ts';
export {
  evaluationsOf,
  type NamedEvaluation,
  parseRecord,
  recordJsonSchema,
  type RunRecord,
  stable,
} from './run/record.ts';
export { evaluationTable } from './run/table.ts';
export { reportPaths, saveReport } from './save.ts';
export { scanRecordOf, type ScanFacts } from './scan/from-scan.ts';
export { renderScan } from './scan/html.ts';
export { parseScanRecord, type ScanFindings, type ScanRecord } from './scan/record.ts';
export { scanSarif } from './scan/sarif.ts';
export { saveScan, scanPaths } from './scan/save.ts';
export { scanText } from './scan/table.ts';
