export { type LbfgsOptions, lbfgs } from './lbfgs.ts';
export { type MinimizeResult, type MinimizeStatus, minimize } from './minimize.ts';
export type { MinimizeOptions, Vector } from './minimize-options.ts';
