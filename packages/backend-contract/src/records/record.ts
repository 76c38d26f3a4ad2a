import type { Transform } from '@opt/core';
import type { Hyperparameters } from '../families/family.ts';
import type { BadValue } from './refuses.ts';

/** One exported transform: all that the shared tests need to know of it. */
export interface TransformRecord {
  /** The name it is exported by. */
  readonly name: string;
  readonly from: string;
  /** A whole optimizer; a stage that gives a direction; one that moves the parameter; one that wraps a rule. */
  readonly role: 'rule' | 'direction' | 'move';
  /** What it calls itself in messages. */
  readonly called: string;
  readonly make: (options?: Hyperparameters) => Transform;
  /** Every option, with values it must refuse. */
  readonly options: Readonly<Record<string, readonly BadValue[]>>;
  /** Option sets that take other paths through the code; the default is always tried. */
  readonly variants?: readonly Hyperparameters[];
  /** Why a step with finite gradients at the ends of the range may be dropped (and counted), where it may. */
  readonly mayDrop?: string;
  /** Only slots of kind `vector` and only operations that commute with rotations. */
  readonly rotates?: boolean;
}

/** What is required, and left out, keeps the value it has beside it. */
export const defined = (options: Hyperparameters = {}): Hyperparameters =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** Settings that put every general stage into a rule. */
export const everyGeneral: readonly Hyperparameters[] = [
  { globalClipnorm: 0.5, useEma: true, emaMomentum: 0.8, emaOverwriteFrequency: 3, lossScaleFactor: 2 },
  { clipnorm: 0.1, gradientAccumulationSteps: 2 },
  { clipvalue: 0.2, useEma: true, name: 'other' },
];
