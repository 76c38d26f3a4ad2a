export { type LbfgsOptions, lbfgs } from './lbfgs.ts';
export { minimize } from './minimize.ts';
export type { MinimizeOptions, Vector } from './minimize-options.ts';
export type { MinimizeResult, MinimizeStatus } from './minimize-result.ts';
