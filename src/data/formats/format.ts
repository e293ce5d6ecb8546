import type { SceneSource, Source } from './source.ts';

/** The parts of a data set; data without parts are `whole`. */
export type Part = 'whole' | 'train' | 'validation' | 'test';

/** The samples of each part, not yet decoded. */
export type Sources = Partial<Record<Part, Source | SceneSource>>;

/** What is at a path. */
export interface PathInfo {
  readonly isFolder: boolean;
  /** The names of all files and folders in a folder, sorted; empty for a file. */
  readonly entries: readonly string[];
  /** The names of the folders among them, without those that operating systems leave behind. */
  readonly folders: readonly string[];
}

/** What a format may use while it reads. */
export interface FormatContext {
  /** The name of the data, for messages and reports. */
  readonly name: string;
  readonly info: PathInfo;
  /**
   * Reads a folder or file inside, by the formats that come later in the table.
   *
   * @throws DataError `data/format` where it has parts of its own
   */
  readonly readInside: (path: string, name: string) => Promise<Source | SceneSource>;
}

/**
 * A way to store a data set, such as a .npz file. One object in one file, listed in `FORMATS`; the first
 * one that matches a path reads it.
 */
export interface DataFormat {
  /** For example 'npz'. */
  readonly name: string;
  /** What a person gives, for messages: 'a .npz file'. */
  readonly description: string;
  /** What it stores: samples with a label each, scenes with objects, or parts of either. */
  readonly content: 'samples' | 'scenes' | 'parts';
  /** Whether this format reads the path. It looks at names only, so that bad contents give an error. */
  matches(path: string, info: PathInfo): boolean;
  /**
   * The samples at a path, without decoding them.
   *
   * @throws DataError that names the file and what is wrong with it
   */
  read(path: string, context: FormatContext): Promise<Sources>;
}
