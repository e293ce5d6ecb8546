export { lowerRecurrent, type Lowered } from './recurrent.ts';
