import { emaNesterov, outerNesterov, outerSteps, scheduleFree, scheduleFreeAdamW, scheduleFreeSgd, tailAverage } from '@opt/averaging';
import { soap } from '@opt/soap';
import { adam, adamw, ema, sgd } from '@opt/transforms';
import { isRecord } from '../golden-case.ts';
import { defined, everyGeneral, type TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const from = '@opt/averaging';
const base = refuses.wrong('an optimizer such as soap()', null, 3, {}, adam());

/** Small rates, so that the averages stay near the weights. */
const momentum = () => sgd({ learningRate: 0.02, momentum: 0.5 });

const free = {
  ...refuses.general,
  learningRate: refuses.nonNegative,
  weightDecay: refuses.nonNegative,
  warmupSteps: refuses.integer(0),
  r: refuses.nonNegative,
  weightLrPower: refuses.nonNegative,
} as const;

export const averagingRecords: readonly TransformRecord[] = [
  {
    name: 'scheduleFree',
    from,
    role: 'rule',
    called: 'schedule-free',
    make: (options = {}) =>
      scheduleFree(isRecord(options) ? { direction: ema({ beta: 0.5 }), learningRate: 0.05, ...defined(options) } : options),
    options: { ...free, direction: refuses.wrong('a transform such as adam()', 3, 'adam', {}, true), beta: refuses.openUnit },
    variants: [{ direction: adam({ beta1: 0, correctBias: 'rate' }), warmupSteps: 4, r: 1, weightDecay: 0.1 }],
  },
  {
    name: 'scheduleFreeSgd',
    from,
    role: 'rule',
    called: 'schedule-free-sgd',
    make: (options) => scheduleFreeSgd(options),
    options: { ...free, beta: refuses.openUnit },
    variants: [{ learningRate: 0.1, weightLrPower: 0, weightDecay: 0.1, beta: 0.5 }],
  },
  {
    name: 'scheduleFreeAdamW',
    from,
    role: 'rule',
    called: 'schedule-free-adamw',
    make: (options) => scheduleFreeAdamW(options),
    options: { ...free, beta1: refuses.openUnit, beta2: refuses.unit, epsilon: refuses.positive, innerMomentum: refuses.unit },
    variants: [...everyGeneral, { innerMomentum: 0.8, warmupSteps: 5, weightDecay: 0.1 }],
  },
  {
    name: 'emaNesterov',
    from,
    role: 'rule',
    called: 'ema-nesterov',
    make: (options) => emaNesterov({ base: momentum(), ...defined(options) }),
    options: {
      base,
      lookahead: refuses.nonNegative,
      lookaheadEma: refuses.unit,
      start: refuses.integer(0),
      end: refuses.orNull(refuses.integer(0)),
      scaleWithRate: refuses.flag,
      learningRate: refuses.orNull(refuses.nonNegative),
      initialRate: refuses.orNull(refuses.number('a finite number > 0', [0, -1, Infinity])),
      name: refuses.text,
    },
    variants: [
      { base: adamw({ useEma: true }), lookaheadEma: 0.8, start: 3, end: 8 },
      { base: soap({ preconditionFrequency: 3 }), scaleWithRate: false, lookaheadEma: 0.9 },
    ],
  },
  {
    name: 'outerNesterov',
    from,
    role: 'rule',
    called: 'outer-nesterov',
    make: (options) => outerNesterov({ base: momentum(), every: 3, ...defined(options) }),
    options: {
      base,
      every: refuses.integer(1),
      outerLearningRate: refuses.nonNegative,
      outerMomentum: refuses.unit,
      nesterov: refuses.flag,
      name: refuses.text,
    },
    variants: [
      { every: 1, outerMomentum: 0.5 },
      { base: adamw({ useEma: true, globalClipnorm: 1 }), every: 4, nesterov: false },
    ],
  },
  {
    name: 'outerSteps',
    from,
    role: 'rule',
    called: 'outer-steps',
    make: (options) => outerSteps({ base: momentum(), outer: sgd({ learningRate: 0.7 }), every: 3, ...defined(options) }),
    options: { base, outer: base, every: refuses.integer(1), name: refuses.text },
    variants: [{ every: 2, outer: adamw({ learningRate: 0.01, useEma: true, emaMomentum: 0.5 }) }],
  },
  {
    name: 'tailAverage',
    from,
    role: 'rule',
    called: 'tail-average',
    make: (options) => tailAverage({ base: momentum(), start: 3, ...defined(options) }),
    options: {
      base,
      start: refuses.integer(0),
      horizon: refuses.number('a finite number >= 1', [0.5, 0, -1, Infinity]),
      blend: refuses.closedUnit,
      exclude: refuses.names,
      name: refuses.text,
    },
    variants: [{ base: emaNesterov({ base: adamw({ learningRate: 0.01 }), lookaheadEma: 0.5 }), start: 0, horizon: 3, blend: 1 }],
  },
];
