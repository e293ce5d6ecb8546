export { lowerRecurrent } from './recurrent.ts';
