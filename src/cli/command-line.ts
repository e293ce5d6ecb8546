/** The command line of this process, for reports: it repeats the run. */
export function commandLine(): string {
  const words = process.argv
    .slice(2)
    // Resuming does not change the result.
    .filter((word) => word !== '--resume')
    .map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['fineprune', ...words].join(' ');
}
