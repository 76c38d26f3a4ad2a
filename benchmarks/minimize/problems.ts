import { anySize } from './any-size.ts';
import { fixedSize } from './fixed-size.ts';
import type { LeastSquares } from './problem.ts';

/** The 18 problems for unconstrained minimisation of Moré, Garbow and Hillstrom (ACM TOMS 7, 1981), from their starting points. */
export const problems: readonly LeastSquares[] = [...fixedSize, ...anySize];
