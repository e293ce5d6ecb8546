/** Writes docs/report.schema.json, the JSON Schema of report.json: `npx tsx scripts/docs-report-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { schemaText } from '../src/report/run/record.ts';

writeFileSync(new URL('../docs/report.schema.json', import.meta.url), schemaText());
