import type { DataFormat } from './format.ts';
import { classFolders } from './class-folders.ts';
import { flatFolder } from './flat-folder.ts';
import { idxFormat } from './idx-folder.ts';
import { npyFile, npyFolder } from './npy-files.ts';
import { npzFile } from './npz-file.ts';
import { partFolders } from './part-folders.ts';
import { pascalVoc } from './pascal-voc.ts';
import { table } from './table.ts';
import { yolo } from './yolo.ts';

/** The formats that are read, in the order in which they are asked. Class folders match every folder. */
export const FORMATS: readonly DataFormat[] = [
  idxFormat,
  partFolders,
  pascalVoc,
  yolo,
  npyFolder,
  flatFolder,
  classFolders,
  npzFile,
  npyFile,
  table,
];

/** The formats for a detector: those of scenes, and of parts that have scenes. */
export const sceneFormats = (formats: readonly DataFormat[] = FORMATS): readonly DataFormat[] =>
  formats.filter(({ content }) => content !== 'samples');
