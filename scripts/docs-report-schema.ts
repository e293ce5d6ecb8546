/** Writes docs/report.schema.json and docs/scan.schema.json: `npx tsx scripts/docs-report-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { schemaText } from '../src/report/run/record.ts';
import { scanSchemaText } from '../src/report/scan/record.ts';

writeFileSync(new URL('../docs/report.schema.json', import.meta.url), schemaText());
writeFileSync(new URL('../docs/scan.schema.json', import.meta.url), scanSchemaText());
