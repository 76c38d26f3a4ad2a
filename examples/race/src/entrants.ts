import type { Scalar, Transform } from '@opt/core';
import { muon, oblique, stiefel } from '@opt/geometric';
import { lmAdagrad } from '@opt/lm-adagrad';
import { lre } from '@opt/lre';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import { colourOf } from './palette.ts';

/** An optimizer that can be sent into the race. `learningRate`: the best of a sweep over 10^(k/4) on this task. */
export interface Entrant {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  readonly learningRate: number;
  make(learningRate: Scalar): Transform;
}

const entrant = (name: string, label: string, exponent: number, make: Entrant['make']): Entrant => ({
  name,
  label,
  colour: colourOf(name),
  learningRate: 10 ** exponent,
  make,
});

const plainSoap = (learningRate: Scalar) => soap({ learningRate, weightDecay: 0 });

const scaled = (factor: number, rate: Scalar): Scalar => (typeof rate === 'number' ? factor * rate : (step) => factor * rate(step));

/** On a manifold only the layers in between; the head and the biases by AdamW at its own best rate. */
const roles = { 'layer4.weight': 'head' } as const;
const aux = { learningRate: 10 ** -2.5 };

/** Every optimizer that can race, one line each: name, label, log₁₀ of its learning rate, rule. None of them decays weights. */
export const entrants: readonly Entrant[] = [
  entrant('sgd', 'SGD + momentum', -1.25, (learningRate) => sgd({ learningRate, momentum: 0.9 })),
  entrant('adamw', 'AdamW', -2.5, (learningRate) => adamw({ learningRate, weightDecay: 0 })),
  entrant('soap', 'SOAP', -2.5, plainSoap),
  entrant('soap-normalize-ema', 'SOAP + normalize-EMA', -2.25, (rate) => normalizeEma({ base: plainSoap(rate) })),
  entrant('muon', 'Muon', -2.25, (learningRate) => muon({ learningRate, aux: { learningRate: scaled(0.1, learningRate) } })),
  entrant('oblique', 'Oblique', -2.25, (learningRate) => oblique({ learningRate, roles, aux })),
  entrant('stiefel', 'Stiefel', -2, (learningRate) => stiefel({ learningRate, roles, aux })),
  entrant('lm-adagrad', 'LM-Adagrad', -0.25, (learningRate) => lmAdagrad({ learningRate })),
  entrant('lm-adagrad-normalize-ema', 'LM-Adagrad + normalize-EMA', 0.5, (rate) =>
    normalizeEma({ base: lmAdagrad({ learningRate: rate }), perTensor: false }),
  ),
  entrant('lre', 'LRE (GGT, Adam)', -1, (learningRate) => lre({ learningRate })),
];
