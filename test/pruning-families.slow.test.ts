import { describe } from 'vitest';
import { goesThroughDefend } from './helpers/pruning-families.ts';

/** Small networks of torchvision's families and others, as PyTorch exports them. */
describe.each([
  'alexnet.frozen',
  'convnext.frozen',
  'efficientnet.frozen',
  'googlenet.folded',
  'mnasnet.folded',
  'mobilenet-v3.frozen',
  'regnet.folded',
  'resnet-basic.frozen',
  'resnext.folded',
  'shufflenet.folded',
  'squeezenet.folded',
  'vgg.frozen',
])('%s goes through defend', goesThroughDefend);
