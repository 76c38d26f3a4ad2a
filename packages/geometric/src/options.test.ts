import { OptionRangeError, OptionTypeError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import {
  blockStiefel,
  doublyStochastic,
  grassmannian,
  l1Stiefel,
  muon,
  oblique,
  slMuon,
  spectralSphere,
  stiefel,
  symplectic,
} from './index.ts';

/** Options as someone without types might write them. */
const wild = (options: Readonly<Record<string, unknown>>): object => options;

describe('muon refuses', () => {
  it.each([
    [{ learningRate: -1 }, 'muon: learningRate must be a finite number >= 0, received -1', OptionRangeError],
    [
      { learningRate: '0.1' },
      "muon: learningRate must be a finite number >= 0, or a function returning one, received '0.1'",
      OptionTypeError,
    ],
    [{ momentum: 1 }, 'muon: momentum must be in [0, 1), received 1', OptionRangeError],
    [{ epsilon: Number.NaN }, 'muon: epsilon must be a finite number >= 0, received NaN', OptionRangeError],
    [{ nsSteps: 0 }, 'muon: nsSteps must be an integer in [1, 30], received 0', OptionRangeError],
    [{ nsSteps: 31 }, 'muon: nsSteps must be an integer in [1, 30], received 31', OptionRangeError],
    [{ nsCoefficients: [1, 2] }, 'muon: nsCoefficients must be three finite numbers, received an array', OptionTypeError],
    [
      { schedule: [[1, 2, Number.NaN]] },
      "muon: schedule must be a list of triples of finite numbers, 'quintic-schedule' or 'polar-express', received an array",
      OptionTypeError,
    ],
    [{ safety: 0.9 }, 'muon: safety must be a finite number >= 1, received 0.9', OptionRangeError],
    [{ rankTolerance: 0.1 }, 'muon: rankTolerance must be in [0, 0.1), received 0.1', OptionRangeError],
    [
      { orthogonalization: 'qr' },
      "muon: orthogonalization must be 'svd' or 'newton-schulz' or 'polar-express' or 'cubic' or 'schedule', received 'qr'",
      OptionTypeError,
    ],
    [{ scale: 'keler' }, "muon: scale must be 'keller' or 'moonlight' or 'spectral' or 'none', received 'keler'", OptionTypeError],
    [{ blocks: 0 }, 'muon: blocks must be an integer >= 1, received 0', OptionRangeError],
    [{ nesterov: 1 }, 'muon: nesterov must be true or false, received 1', OptionTypeError],
    [{ learningRate: 0.5, weightDecay: 2 }, 'muon: weightDecay must be below 1/learningRate = 2, received 2', OptionRangeError],
    [{ aux: 3 }, 'muon: aux must be an object, received 3', OptionTypeError],
    [{ aux: { beta1: 1 } }, 'muon: aux.beta1 must be in [0, 1), received 1', OptionRangeError],
    [
      { aux: { beta: 1 } },
      "muon: unknown option 'aux.beta', known are aux.learningRate, aux.beta1, aux.beta2, aux.epsilon, aux.weightDecay",
      OptionTypeError,
    ],
    [{ momentun: 0.9 }, /^muon: unknown option 'momentun', known are /, OptionTypeError],
  ])('%j', (options, complaint, error) => {
    expect(() => muon(wild(options))).toThrow(complaint);
    expect(() => muon(wild(options))).toThrow(error);
  });
});

describe('manifolds refuse', () => {
  it.each([
    ['stiefel', stiefel, { learningRate: 1 }, 'stiefel: learningRate must be in [0, 1), received 1'],
    ['stiefel', stiefel, { weightDecay: 0.01 }, "stiefel: weightDecay must be 0 on a manifold (mode 'manifold'), received 0.01"],
    ['stiefel', stiefel, { radius: 0 }, 'stiefel: radius must be a finite number > 0, received 0'],
    ['stiefel', stiefel, { dualSteps: 1001 }, 'stiefel: dualSteps must be an integer in [0, 1000], received 1001'],
    ['stiefel', stiefel, { dualTolerance: -1 }, 'stiefel: dualTolerance must be a finite number >= 0, received -1'],
    ['stiefel', stiefel, { retraction: 'exp' }, "stiefel: retraction must be 'polar' or 'qr' or 'cayley', received 'exp'"],
    [
      'stiefel',
      stiefel,
      { mode: 'projected', projection: 'exp-sinkhorn' },
      "stiefel: projection must be 'exact' or 'newton-schulz', received 'exp-sinkhorn'",
    ],
    [
      'stiefel',
      stiefel,
      { mode: 'projected', projectionEpsilon: -1 },
      'stiefel: projectionEpsilon must be a finite number >= 0, received -1',
    ],
    ['named', stiefel, { name: 'mine', radius: -1 }, 'mine: radius must be a finite number > 0, received -1'],
    ['l1-stiefel', l1Stiefel, { l1Weight: 4 }, "l1-stiefel: l1Weight must be in [0, 3] with l1Mode 'relative', received 4"],
    ['oblique', oblique, { axis: 'tensor' }, "oblique: axis must be 'columns' or 'rows', received 'tensor'"],
    [
      'oblique',
      oblique,
      { direction: 'spectral' },
      "oblique: direction must be 'normalized' or 'riemannian' or 'adam', received 'spectral'",
    ],
    [
      'spectral-sphere',
      spectralSphere,
      { radius: Number.POSITIVE_INFINITY },
      'spectral-sphere: radius must be a finite number > 0, received Infinity',
    ],
    ['grassmannian', grassmannian, { retraction: 'qr' }, "grassmannian: retraction must be 'polar' or 'geodesic', received 'qr'"],
    ['sl-muon', slMuon, { compactDecay: -1 }, 'sl-muon: compactDecay must be a finite number >= 0, received -1'],
    ['symplectic', symplectic, { retraction: 'polar' }, "symplectic: retraction must be 'exp' or 'cayley', received 'polar'"],
    ['doubly-stochastic', doublyStochastic, { learningRate: 2.1 }, 'doubly-stochastic: learningRate must be in [0, 2], received 2.1'],
    ['doubly-stochastic', doublyStochastic, { floor: 0.01 }, 'doubly-stochastic: floor must be in (0, 1e-3), received 0.01'],
    ['doubly-stochastic', doublyStochastic, { temperature: 0 }, 'doubly-stochastic: temperature must be a finite number > 0, received 0'],
  ])('%s with %j', (_, make, options, complaint) => {
    const given: { [option: string]: unknown } = options;
    expect(() => make(wild(given))).toThrow(complaint);
  });

  it('block-stiefel without blocks, or with half a one', () => {
    expect(() => blockStiefel({ blocks: 1.5 })).toThrow('block-stiefel: blocks must be an integer >= 1, received 1.5');
    expect(() => blockStiefel({ ...{ blocks: 1 }, ...wild({ blocks: undefined }) })).toThrow(
      'block-stiefel: blocks must be an integer >= 1, received undefined',
    );
  });

  it('take any learning rate where the direction keeps the length of the gradient', () => {
    expect(() => stiefel({ direction: 'riemannian', learningRate: 5 })).not.toThrow();
    expect(() => oblique({ direction: 'adam', learningRate: 5 })).not.toThrow();
    expect(() => stiefel({ mode: 'projected', learningRate: 5, weightDecay: 0.1 })).not.toThrow();
  });
});
