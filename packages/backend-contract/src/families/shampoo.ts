import { shampoo, splus } from '@opt/shampoo';
import type { Family } from './family.ts';

export const shampooFamily: Family = { optimizers: { shampoo, splus }, components: {} };
