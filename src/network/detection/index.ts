/** Two-stage detectors (Faster R-CNN): from features to boxes, and how that is trained. */
export * from './coding.ts';
export * from './detector.ts';
export * from './graph.ts';
export * from './losses.ts';
export * from './selection.ts';
export * from './spec.ts';
export * from './step.ts';
export * from './targets.ts';
export * from './train.ts';
