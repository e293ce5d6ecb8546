import { describe } from 'vitest';
import { goesThroughDefend } from './helpers/pruning-families.ts';

/**
 * Small networks as PyTorch exports them: dense, depthwise, attention, and one that is not trained. The
 * other families are slow tests.
 */
describe.each(['densenet.frozen', 'mobilenet-v2.folded', 'vit.folded', 'm5.frozen'])(
  '%s goes through defend',
  goesThroughDefend,
);
