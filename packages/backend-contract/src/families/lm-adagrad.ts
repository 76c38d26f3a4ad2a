import { lmAdagrad } from '@opt/lm-adagrad';
import type { Family } from './family.ts';

export const lmAdagradFamily: Family = { optimizers: { 'lm-adagrad': lmAdagrad }, components: {} };
