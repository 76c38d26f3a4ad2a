import { adan, ademamix, prodigy } from '@opt/adaptive';
import { scheduleFreeAdamW } from '@opt/averaging';
import { type Rule, rule } from '@opt/core';
import { muon, norMuon } from '@opt/geometric';
import { lmAdagrad } from '@opt/lm-adagrad';
import { normalizeEma } from '@opt/normalize-ema';
import { psgdKron } from '@opt/psgd';
import { shampoo, splus } from '@opt/shampoo';
import { klSoap, soap } from '@opt/soap';
import { adamw, descend, lion, sgd } from '@opt/transforms';
import { colourOf } from '../../../examples/race/src/palette.ts';
import { sweptRate } from './rates.ts';
import type { RaceTask } from './task-names.ts';

/** What an option can be set to: the packages say whether a value is in range. */
export type OptionValue = number | boolean;
export type Options = Readonly<Record<string, OptionValue>>;

/** An optimizer that can be entered: its options with what they start as, the learning rate first. */
export interface Entrant {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  readonly options: Options;
  /** @throws OptionRangeError · OptionTypeError, naming the option */
  make(options: Options): Rule;
}

const entrant = (name: string, label: string, options: Options, make: (options: Options) => Rule): Entrant => ({
  name,
  label,
  colour: colourOf(name),
  options,
  make: (given) => make({ ...options, ...given }),
});

/** Biases go to AdamW at a tenth of the rate. */
const auxOf = ({ learningRate }: Options) => (typeof learningRate === 'number' ? { aux: { learningRate: 0.1 * learningRate } } : {});

/** Rates are those that are best on the task `mlp-mini-batch` where the sweep has one, else near the default; those of other tasks are in `rates.ts`. */
export const entrants: readonly Entrant[] = [
  entrant(
    'soap-normalize-ema',
    'SOAP + normalize-EMA',
    { learningRate: 0.0056, beta1: 0.95, beta2: 0.95, preconditionFrequency: 10, weightDecay: 0 },
    (o) => normalizeEma({ base: soap(o) }),
  ),
  entrant('soap', 'SOAP', { learningRate: 0.0032, beta1: 0.95, beta2: 0.95, preconditionFrequency: 10, weightDecay: 0 }, (o) => soap(o)),
  entrant('kl-soap', 'KL-SOAP', { learningRate: 0.003, beta1: 0.95, preconditionFrequency: 10, weightDecay: 0 }, (o) =>
    soap({ ...klSoap, eigenvalueFloor: null, ...o }),
  ),
  entrant('muon', 'Muon', { learningRate: 0.0056, momentum: 0.95, nesterov: true, weightDecay: 0 }, (o) => muon({ ...o, ...auxOf(o) })),
  entrant('nor-muon', 'NorMuon', { learningRate: 0.0056, momentum: 0.95, beta2: 0.95, weightDecay: 0 }, (o) =>
    norMuon({ ...o, ...auxOf(o) }),
  ),
  entrant('adamw', 'AdamW', { learningRate: 0.0032, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 }, (o) => adamw(o)),
  entrant('sgd', 'SGD + momentum', { learningRate: 0.056, momentum: 0.9, nesterov: false, weightDecay: 0 }, (o) => sgd(o)),
  entrant('lion', 'Lion', { learningRate: 0.0003, beta1: 0.9, beta2: 0.99 }, ({ learningRate = 0.0003, ...o }) =>
    rule(lion(o), descend(typeof learningRate === 'number' ? { learningRate } : {})),
  ),
  entrant('adan', 'Adan', { learningRate: 0.003, beta1: 0.98, beta2: 0.92, beta3: 0.99, weightDecay: 0 }, (o) => adan(o)),
  entrant('ademamix', 'AdEMAMix', { learningRate: 0.003, beta1: 0.9, beta2: 0.999, beta3: 0.999, alpha: 2 }, (o) => ademamix(o)),
  entrant('prodigy', 'Prodigy', { learningRate: 1, beta1: 0.9, beta2: 0.999, initialDistance: 1e-6 }, (o) => prodigy(o)),
  entrant('schedule-free-adamw', 'Schedule-free AdamW', { learningRate: 0.01, beta1: 0.9, beta2: 0.999 }, (o) => scheduleFreeAdamW(o)),
  entrant('shampoo', 'Shampoo', { learningRate: 0.003, beta1: 0.9, beta2: 0.99, preconditionFrequency: 10 }, (o) =>
    shampoo({ epsilon: 1e-6, grafting: { kind: 'adam' }, ...o }),
  ),
  entrant('splus', 'SPlus', { learningRate: 0.1, beta1: 0.9, beta2: 0.999, inverseEvery: 20 }, (o) => splus(o)),
  entrant('psgd-kron', 'PSGD-Kron', { learningRate: 0.001, beta: 0.9, weightDecay: 0 }, (o) => psgdKron(o)),
  entrant('lm-adagrad', 'LM-Adagrad', { learningRate: 0.56, historySize: 10, weightDecay: 0 }, (o) => lmAdagrad(o)),
];

export const entrantNamed = (name: string): Entrant => {
  const found = entrants.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no optimizer '${name}'; there are ${entrants.map((one) => one.name).join(', ')}`);
  return found;
};

/** What the options of an optimizer start as on a task. */
export function standardOptions(optimizer: string, task: RaceTask): Options {
  const { options } = entrantNamed(optimizer);
  const swept = sweptRate(optimizer, task);
  return swept === undefined ? options : { ...options, learningRate: swept };
}
