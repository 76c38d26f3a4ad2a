export type { Grafting } from './grafting.ts';
export type { Sides } from './inverse-root.ts';
export { type KlShampooOptions, klShampoo } from './kl-shampoo.ts';
export { type ShampooOptions, shampoo } from './shampoo.ts';
export { type SplusOptions, splus } from './splus.ts';
