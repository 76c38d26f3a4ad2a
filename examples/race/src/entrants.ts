import type { Transform } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';

/** An optimizer that can be sent into the race. `learningRate`: the best of a recorded sweep over 10^(k/4) on this task. */
export interface Entrant {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  readonly learningRate: number;
  make(learningRate: number): Transform;
}

const entrant = (name: string, label: string, colour: string, exponent: number, make: Entrant['make']): Entrant => ({
  name,
  label,
  colour,
  learningRate: 10 ** exponent,
  make,
});

const plainSoap = (learningRate: number) => soap({ learningRate, weightDecay: 0 });

/** Every optimizer that can race, one line each: name, label, colour, log₁₀ of its learning rate, rule. None of them decays weights. */
export const entrants: readonly Entrant[] = [
  entrant('sgd', 'SGD + momentum', '#868e96', -1.25, (learningRate) => sgd({ learningRate, momentum: 0.9 })),
  entrant('adamw', 'AdamW', '#3b7dd8', -2.5, (learningRate) => adamw({ learningRate, weightDecay: 0 })),
  entrant('soap', 'SOAP', '#e8890c', -2.5, plainSoap),
  entrant('soap-normalize-ema', 'SOAP + normalize-EMA', '#d6336c', -2.25, (rate) => normalizeEma({ base: plainSoap(rate) })),
];
