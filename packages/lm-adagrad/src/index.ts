export { type LmAdagradOptions, lmAdagrad } from './lm-adagrad.ts';
