import { diloco, muloco, sparseLoco } from '@opt/local-sgd';
import type { TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const from = '@opt/local-sgd';
const options = { outerLearningRate: refuses.nonNegative, outerMomentum: refuses.unit, nesterov: refuses.flag };
const variants = [{ outerLearningRate: 0.05, outerMomentum: 0.5, nesterov: false }];

/** Outer optimizers are rules like any other: here their gradients are gradients. */
export const localSgdRecords: readonly TransformRecord[] = [
  { name: 'diloco', from, role: 'rule', called: 'diloco', make: (given) => diloco(given), options, variants },
  { name: 'muloco', from, role: 'rule', called: 'muloco', make: (given) => muloco(given), options },
  {
    name: 'sparseLoco',
    from,
    role: 'rule',
    called: 'sparseLoco',
    make: (given) => sparseLoco(given),
    options: { outerLearningRate: refuses.nonNegative },
  },
];
