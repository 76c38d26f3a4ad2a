import { adamw, sgd } from '@opt/transforms';
import type { Family } from './family.ts';

export const transformsFamily: Family = { optimizers: { sgd, adamw }, components: {} };
