/** The command as it was given, so that a report says how to repeat the run. */
export function commandLine(): string {
  const words = process.argv
    .slice(2)
    // Whether a run was interrupted is nothing to its result.
    .filter((word) => word !== '--resume')
    .map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['fineprune', ...words].join(' ');
}
