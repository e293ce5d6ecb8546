import { duration, number } from '../page/format.ts';
import { rateText } from '../page/parts.ts';
import type { ScanFindings, ScanRecord } from './record.ts';

/** Classes of each family that a terminal shows. */
const SHOWN = 5;

/** What a verdict means, in a sentence. */
export function verdictText({ verdict, suspects, inputLogic }: ScanFindings): string {
  const names = suspects.map(({ name }) => `"${name}"`).join(', ');
  const target =
    suspects.length === 0 ? '' : `a small trigger makes the network say ${names} of other samples`;
  const logic =
    inputLogic.length === 0
      ? ''
      : `${inputLogic.length} decision(s) about the input switch the scores, which no repair of weights removes`;
  const found = [target, logic].filter((part) => part !== '').join('; ');
  if (verdict === 'backdoored') return `Backdoored: ${found}.`;
  if (verdict === 'suspicious') return `Suspicious: ${found}.`;
  return 'Nothing found: no class has a trigger that is much smaller than the others. This is no proof that there is none.';
}

/** A scan as text for a terminal. */
export function scanText(record: ScanRecord): string {
  const lines = [verdictText(record), ''];
  for (const { family, unit, typical, classes } of record.families) {
    lines.push(`${family} (${unit}; median ${number(typical, 3)})`);
    for (const one of classes.slice(0, SHOWN)) {
      const mark = record.suspects.some(
        (suspect) => suspect.class === one.class && suspect.family === family,
      );
      const size = one.reachable ? number(one.size, 3) : 'not reachable';
      lines.push(
        `${mark ? '*' : ' '} ${one.name}: ${size}, ${number(one.ratio, 2)} of the median, success ${rateText(one.surrogate)}`,
      );
    }
  }
  for (const { gate, decisions } of record.inputLogic) {
    lines.push(`! ${gate} is switched by ${decisions.join(', ')}`);
  }
  lines.push('', `Not looked at: ${record.notLookedAt.join('; ')}`);
  lines.push(`${record.data.search + record.data.judge} samples, ${duration(record.seconds)}`);
  return `${lines.join('\n')}\n`;
}
