import { type Dataset, digest } from '../../data/index.ts';
import type { RepairScan, Scan } from '../../defense/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { VERSION } from '../../version.ts';
import { maskPicture, patternPicture, samplePicture, strongestPlaces } from './pictures.ts';
import type { RepairScanRecord, ScanFindings, ScanRecord } from './record.ts';

/** What the record of a scan needs to know besides the scan. */
export interface ScanFacts {
  /** The command line, or the call, that repeats the scan. */
  readonly command: string;
  readonly runtime: Runtime;
  readonly input: { readonly path: string; readonly sha256: string };
  /** The clean data. */
  readonly data: Dataset;
  /** Settings besides those of the scan, such as how the data were read. */
  readonly settings?: ScanRecord['settings'] | undefined;
}

/** Makes the record of a scan. */
export async function scanRecordOf(scan: Scan, facts: ScanFacts): Promise<ScanRecord> {
  const { runtime, input, data } = facts;
  const findings = findingsOf(scan, data);
  return {
    tool: {
      name: 'fineprune',
      version: VERSION,
      backend: runtime.backend,
      runtimeVersion: runtime.version,
    },
    command: facts.command,
    input,
    data: { name: data.name, sha256: await digest(data), ...scan.samples },
    ...findings,
    settings: { ...facts.settings, ...findings.settings },
  };
}

/** The scans before and after a repair. */
export function repairScanOf(
  { before, after, remaining }: RepairScan,
  data: Dataset,
): RepairScanRecord {
  return {
    before: findingsOf(before, data),
    after: after && findingsOf(after, data),
    remaining: [...remaining],
  };
}

/** What a scan found, with pictures of the triggers where samples are pictures. */
function findingsOf(scan: Scan, data: Dataset): ScanFindings {
  const { layout } = scan;
  return {
    verdict: scan.verdict,
    suspects: scan.suspects.map((suspect) => {
      const { trigger: _trigger, target: _target, examples, ...rest } = suspect;
      return {
        ...rest,
        mask: maskPicture(suspect, layout),
        pattern: patternPicture(data, suspect, layout),
        places: strongestPlaces(suspect, layout),
        examples: examples.map(({ clean, triggered, before, after }) => ({
          clean: samplePicture(data, clean, layout),
          triggered: samplePicture(data, triggered, layout),
          before,
          after,
        })),
      };
    }),
    families: scan.families.map((family) => ({ ...family, classes: [...family.classes] })),
    inputLogic: scan.inputLogic.map((logic) => ({ ...logic, decisions: [...logic.decisions] })),
    notLookedAt: [...scan.notLookedAt],
    settings: JSON.parse(JSON.stringify(scan.settings)) as ScanFindings['settings'],
    seconds: scan.seconds,
  };
}
