import { psgdKron } from '@opt/psgd';
import type { Family } from './family.ts';

/** Recorded runs feed the noise of each parameter, and whether factors are balanced: position 1 of the choice. */
export const psgdFamily: Family = { optimizers: { 'psgd-kron': psgdKron }, components: {} };
