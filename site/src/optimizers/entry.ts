import type { Rule, Shape } from '@opt/core';

/** A page about an optimizer: what cannot be read from the code. */
export interface OptimizerEntry {
  /** As it is exported. */
  readonly name: string;
  readonly title: string;
  /** The package, without the scope. */
  readonly from: string;
  /** The file that exports it, in the package's `src`. */
  readonly file: string;
  readonly make: () => Rule;
  /** The call that makes it, as one would write it. */
  readonly written: string;
  /** Further imports that call needs. */
  readonly also?: string;
  /** What recorded runs call it. */
  readonly recorded: string;
  /** Only recorded runs whose file begins so. */
  readonly recordedIn?: string;
  /** The matrix that its equations are traced for; [6, 4] if left out. */
  readonly shape?: Shape;
  /** In one sentence; left out, the first one of its documentation. */
  readonly lead?: string;
  readonly when: string;
  readonly whenNot: string;
}
