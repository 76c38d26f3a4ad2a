import type { Rule, Shape } from '@opt/core';
import { muon, oblique, type Role } from '@opt/geometric';
import { lmAdagrad } from '@opt/lm-adagrad';
import { lre } from '@opt/lre';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';

/** An optimizer under test. */
export interface Contender {
  readonly name: string;
  readonly label: string;
  /** log₁₀ of the first and the last rate of the sweep, which goes by decades. */
  readonly decades: readonly [number, number];
  make(learningRate: number): Rule;
}

const contender = (name: string, label: string, decades: readonly [number, number], make: Contender['make']): Contender => ({
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
const plainMuon = (learningRate: number): Rule => muon({ learningRate, roles: matrices, aux: { learningRate: 0.1 * learningRate } });

/**
 * Every optimizer that can be swept, one line each: name, label, decades of its learning rate, rule. Rates are constant, no weights
 * decay, everything else is the package's default. Those up to LM-Adagrad are set and swept as the recorded runs with PyTorch were. The
 * decades of the others lie around their packages' defaults; with normalize-EMA they begin where those of SOAP do, since its norm starts
 * small. Oblique moves hidden matrices and kernels, AdamW at the same rate the rest; on the synthetic tasks its constraint excludes the
 * solution.
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
];
