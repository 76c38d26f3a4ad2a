import { mars, ngd } from '@opt/adaptive';
import { scheduleFree } from '@opt/averaging';
import { inBasis, type Rule, type Shape } from '@opt/core';
import { muon, norMuon, oblique, type Role } from '@opt/geometric';
import { lmAdagrad } from '@opt/lm-adagrad';
import { lre } from '@opt/lre';
import { normalizeEma } from '@opt/normalize-ema';
import { psgdKron } from '@opt/psgd';
import { lbfgs } from '@opt/quasi-newton';
import { splus } from '@opt/shampoo';
import { klSoap, kroneckerEigenbasis, soap } from '@opt/soap';
import { adam, adamw, sgd } from '@opt/transforms';
import { hyperball, normControl, relativeUpdate, updateFloor, type WeightHook } from '@opt/weight-hooks';
import { universal } from './universal.ts';

/** An optimizer under test. */
export interface Contender {
  readonly name: string;
  readonly label: string;
  /** log₁₀ of the first and the last rate of the sweep, which goes by decades; null: nothing is swept, `make` is given 1. */
  readonly decades: readonly [number, number] | null;
  make(learningRate: number): Rule;
}

const contender = (name: string, label: string, decades: Contender['decades'], make: Contender['make']): Contender => ({
  name,
  label,
  decades,
  make,
});

/** For Muon, as in the recorded runs: everything with two or more axes is a matrix, heads and columns too. */
const matrices = (_name: string, shape: Shape): Role => (shape.length >= 2 ? 'hidden' : 'bias');

/** For manifolds: heads, which only the last layer of the MLPs does not say in its name, are free. */
const heads = { 'layer4.weight': 'head' } as const;

const plainAdamw = (learningRate: number): Rule => adamw({ learningRate, weightDecay: 0 });
const plainSoap = (learningRate: number): Rule => soap({ learningRate, weightDecay: 0 });
const muonOptions = (learningRate: number) => ({ learningRate, roles: matrices, aux: { learningRate: 0.1 * learningRate } });
const plainMuon = (learningRate: number): Rule => muon(muonOptions(learningRate));
const controlledSoap = (learningRate: number, hook: WeightHook): Rule => normControl({ base: plainSoap(learningRate), stages: [hook] });

/**
 * Every optimizer that can be swept, one line each: name, label, decades of its learning rate, rule. Rates are constant, no weights
 * decay, everything else is the package's default. Those up to LM-Adagrad are set and swept as the recorded runs with PyTorch were. The
 * decades of the others lie around their packages' defaults; with normalize-EMA they begin where those of SOAP do, since its norm starts
 * small. Oblique moves hidden matrices and kernels, AdamW at the same rate the rest. On the synthetic tasks its constraint excludes the
 * solution, and so does the hyperball. PSGD-Kron is swept as its recorded runs were. Schedule-free SOAP has no first moment: the average
 * is its momentum; it and SPlus are tested at their averages, and trained where gradients are taken. A step of L-BFGS is one iteration, with up to eleven
 * evaluations of its batch; the rate is the first length that its search tries.
 */
export const optimizers: readonly Contender[] = [
  contender('sgd-momentum', 'SGD + momentum', [-3, 0], (learningRate) => sgd({ learningRate, momentum: 0.9 })),
  contender('adamw', 'AdamW', [-4, -1], plainAdamw),
  contender('soap', 'SOAP', [-4, -1], plainSoap),
  contender('soap-normalize-ema', 'SOAP + normalize-EMA', [-3, 0], (rate) => normalizeEma({ base: plainSoap(rate) })),
  contender('muon', 'Muon', [-3, 0], plainMuon),
  contender('lm-adagrad', 'LM-Adagrad', [-2, 1], (learningRate) => lmAdagrad({ learningRate })),
  contender('lm-adagrad-normalize-ema', 'LM-Adagrad + normalize-EMA', [-2, 1], (learningRate) =>
    normalizeEma({ base: lmAdagrad({ learningRate }), perTensor: false }),
  ),
  contender('lre', 'LRE', [-3, 0], (learningRate) => lre({ learningRate })),
  contender('oblique', 'Oblique', [-4, -1], (learningRate) => oblique({ learningRate, roles: heads, aux: { learningRate } })),
  contender('adamw-normalize-ema', 'AdamW + normalize-EMA', [-3, 0], (rate) => normalizeEma({ base: plainAdamw(rate) })),
  contender('muon-normalize-ema', 'Muon + normalize-EMA', [-3, 0], (rate) => normalizeEma({ base: plainMuon(rate) })),
  contender('psgd-kron', 'PSGD-Kron', [-3, -1], (learningRate) => psgdKron({ learningRate })),
  contender('mars', 'MARS', [-4, -1], (learningRate) => mars({ learningRate, others: { learningRate, weightDecay: 0 } })),
  contender('lbfgs', 'L-BFGS', [-2, 1], (learningRate) =>
    lbfgs({ learningRate, maxIter: 1, maxEval: 10, historySize: 10, lineSearch: 'strongWolfe' }),
  ),
  contender('ngd', 'NGD', [-3, 0], (learningRate) => ngd({ learningRate, momentum: 0.9 })),
  contender('normuon', 'NorMuon', [-3, 0], (learningRate) => norMuon(muonOptions(learningRate))),
  contender('kl-soap-normalize-ema', 'KL-SOAP + normalize-EMA', [-3, 0], (learningRate) =>
    normalizeEma({ base: soap({ ...klSoap, learningRate, weightDecay: 0 }) }),
  ),
  contender('schedule-free-soap', 'Schedule-free SOAP', [-4, -1], (learningRate) =>
    scheduleFree({ learningRate, direction: inBasis(kroneckerEigenbasis(), adam({ beta1: 0, beta2: 0.95 })) }),
  ),
  contender('splus', 'SPlus', [-3, 0], (learningRate) => splus({ learningRate, weightDecay: 0 })),
  contender('soap-hyperball', 'SOAP + hyperball', [-4, -1], (learningRate) => controlledSoap(learningRate, hyperball())),
  contender('soap-relative-update', 'SOAP + relative update', [-4, -1], (learningRate) => controlledSoap(learningRate, relativeUpdate())),
  contender('soap-update-floor', 'SOAP + update floor', [-4, -1], (learningRate) => controlledSoap(learningRate, updateFloor())),
  contender('universal', 'Universal', null, universal),
];
