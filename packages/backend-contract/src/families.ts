import { OptError } from '@opt/core';
import { adaptiveFamily } from './families/adaptive.ts';
import { averagingFamily } from './families/averaging.ts';
import type { Family, MakeMeasure, MakeOptimizer, MakeReplay } from './families/family.ts';
import { geometricFamily } from './families/geometric.ts';
import { lmAdagradFamily } from './families/lm-adagrad.ts';
import { localSgdFamily } from './families/local-sgd.ts';
import { lreFamily } from './families/lre.ts';
import { lreBasisFamily } from './families/lre-basis.ts';
import { lreCurvatureFamily } from './families/lre-curvature.ts';
import { lreInnerFamily } from './families/lre-inner.ts';
import { normalizeEmaFamily } from './families/normalize-ema.ts';
import { psgdFamily } from './families/psgd.ts';
import { quasiNewtonFamily } from './families/quasi-newton.ts';
import { shampooFamily } from './families/shampoo.ts';
import { soapFamily } from './families/soap.ts';
import { transformsFamily } from './families/transforms.ts';
import { weightHooksFamily } from './families/weight-hooks.ts';

/** Every family whose recorded runs can be replayed: a new one is one file and one entry here. */
const families: readonly Family[] = [
  transformsFamily,
  soapFamily,
  lmAdagradFamily,
  lreFamily,
  lreBasisFamily,
  lreCurvatureFamily,
  lreInnerFamily,
  geometricFamily,
  adaptiveFamily,
  averagingFamily(optimizerNamed),
  localSgdFamily,
  psgdFamily,
  quasiNewtonFamily,
  shampooFamily,
  normalizeEmaFamily(optimizerNamed),
  weightHooksFamily(optimizerNamed),
];

/** How the optimizer a case names is made from its hyperparameters. */
export function optimizerNamed(name: string): MakeOptimizer {
  return find('optimizer', name, ({ optimizers }) => optimizers);
}

/** How the building block a case names is made. */
export function componentNamed(name: string): MakeReplay {
  return find('component', name, ({ components }) => components);
}

/** What a bound of a case is about. */
export function measureNamed(name: string): MakeMeasure {
  return find('measure', name, ({ measures }) => measures ?? {});
}

function find<T>(what: string, name: string, table: (family: Family) => Readonly<Record<string, T>>): T {
  for (const family of families) {
    const found = table(family)[name];
    if (found !== undefined) return found;
  }
  throw new OptError(
    'transform',
    `no ${what} is called '${name}', known are ${families.flatMap((family) => Object.keys(table(family))).join(', ')}`,
  );
}
