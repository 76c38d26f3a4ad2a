import { soap } from '@opt/soap';
import { adam, adamw, sgd } from '@opt/transforms';
import { hyperball, normControl, radialBrake, radiusPin, relativeUpdate, updateFloor, type WeightHook } from '@opt/weight-hooks';
import type { Hyperparameters } from '../families/family.ts';
import { defined, type TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const from = '@opt/weight-hooks';

/** A stage of `normControl`, around SGD. */
const stage = (
  name: string,
  called: string,
  make: (options?: Hyperparameters) => WeightHook,
  options: TransformRecord['options'],
  variants?: readonly Hyperparameters[],
): TransformRecord => ({
  name,
  from,
  role: 'rule',
  called,
  make: (given) => normControl({ base: sgd({ learningRate: 0.05, momentum: 0.5 }), stages: [make(given)] }),
  options: { ...options, name: refuses.text },
  ...(variants && { variants }),
});

export const weightHooksRecords: readonly TransformRecord[] = [
  {
    name: 'normControl',
    from,
    role: 'rule',
    called: 'norm-control',
    make: (options) => normControl({ base: sgd({ learningRate: 0.05 }), stages: [hyperball()], ...defined(options) }),
    options: {
      base: refuses.wrong('an optimizer such as soap()', null, 3, {}, adam()),
      stages: refuses.wrong('a list of at least one stage such as hyperball()', [], 3, null, {}, [3], [adam()]),
      weightDecay: refuses.nonNegative,
      cautiousDecay: refuses.nonNegative,
      learningRate: refuses.orNull(refuses.nonNegative),
      minRank: refuses.integer(0),
      name: refuses.text,
    },
    variants: [
      { base: adamw({ weightDecay: 0, useEma: true }), stages: [relativeUpdate()], weightDecay: 0.1, cautiousDecay: 0.2 },
      { base: soap({ preconditionFrequency: 3, weightDecay: 0 }), stages: [radialBrake({ form: 'component' }), radiusPin()], minRank: 1 },
    ],
  },
  stage(
    'hyperball',
    'hyperball',
    hyperball,
    { radius: refuses.orNull(refuses.positive), zeroWeights: refuses.choice('free', 'throw'), epsilon: refuses.positive },
    [{ radius: 0.5 }],
  ),
  stage('relativeUpdate', 'relative-update', relativeUpdate, { epsilon: refuses.positive }),
  stage(
    'radialBrake',
    'radial-brake',
    radialBrake,
    {
      form: refuses.choice('norm', 'component'),
      outwardScale: refuses.closedUnit,
      inwardScale: refuses.closedUnit,
      epsilon: refuses.positive,
    },
    [{ form: 'component', inwardScale: 0.5 }],
  ),
  stage(
    'updateFloor',
    'update-floor',
    updateFloor,
    { ratio: refuses.positive, per: refuses.choice('tensor', 'row'), layout: refuses.choice('out-in', 'in-out') },
    [{ per: 'row' }, { per: 'row', layout: 'in-out' }],
  ),
  stage('radiusPin', 'radius-pin', radiusPin, { epsilon: refuses.positive }),
];
