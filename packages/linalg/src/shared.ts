import { type Linalg, linalg } from './linalg.ts';

let instance: Linalg | undefined;

/** One `linalg()` for all who ask, made when first asked for: it keeps nothing of its callers' between calls. */
export function sharedLinalg(): Linalg {
  instance ??= linalg();
  return instance;
}
