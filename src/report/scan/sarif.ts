import type { ScanRecord } from './record.ts';

/** What a scan may find, as rules for code scanning. */
const RULES = [
  {
    id: 'backdoor/inverted-trigger',
    name: 'InvertedTrigger',
    shortDescription: { text: 'A small universal trigger makes the network say one class' },
  },
  {
    id: 'backdoor/input-logic',
    name: 'InputLogic',
    shortDescription: { text: 'A decision about the input switches the scores of the network' },
  },
] as const;

/** The scan in SARIF 2.1.0 (OASIS), for code scanning services. A scan without a finding has no result. */
export function scanSarif({ tool, input, verdict, suspects, inputLogic }: ScanRecord): string {
  const level = verdict === 'backdoored' ? 'error' : 'warning';
  const result = (rule: (typeof RULES)[number]['id'], text: string) => ({
    ruleId: rule,
    ruleIndex: RULES.findIndex(({ id }) => id === rule),
    level,
    message: { text },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(input.path) } } }],
    partialFingerprints: { 'model/sha256': input.sha256 },
  });
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: tool.name, version: tool.version, rules: RULES } },
        results: [
          ...suspects.map(({ name, family, size, typical, surrogate }) =>
            result(
              'backdoor/inverted-trigger',
              `Class "${name}": a ${family} of size ${size.toFixed(2)} (median of the classes ${typical.toFixed(2)}) succeeds on ${surrogate.hits} of ${surrogate.of} clean samples`,
            ),
          ),
          ...inputLogic.map(({ gate, decisions }) =>
            result('backdoor/input-logic', `${gate} is switched by ${decisions.join(', ')}`),
          ),
        ],
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** A path as a relative URI reference. */
function uriOf(path: string): string {
  return path.split(/[\\/]/).map(encodeURIComponent).join('/');
}
