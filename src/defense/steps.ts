/**
 * What a defense did, as plain data: the record keeps it as it is, and the report shows it by its kind. A
 * kind that the report does not know is shown in a generic form: the summary, and the data as a table.
 */
export interface Step<K extends string = string, D = unknown> {
  /** What kind of step it is: 'pruning', 'tuning', or one of a defense's own. */
  readonly kind: K;
  /** The name of the defense that made it. */
  readonly by: string;
  /** What was done, for people: "22 of 32 units were pruned". */
  readonly summary: string;
  /** Why it came to nothing, where it did. */
  readonly failed?: string | undefined;
  readonly seconds: number;
  readonly data: D;
}
