import { lbfgs } from '@opt/quasi-newton';
import type { Family } from './family.ts';

/** Recorded runs bring the problem itself, since the optimizer asks where it likes. */
export const quasiNewtonFamily: Family = { optimizers: { lbfgs }, components: {} };
