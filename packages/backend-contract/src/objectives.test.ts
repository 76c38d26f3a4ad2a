import { reference } from '@opt/backend-reference';
import {
  accumulate,
  createOptimizer,
  mapValues,
  type Objective,
  ObjectiveError,
  OptError,
  partition,
  type Rule,
  TransformError,
  type Values,
} from '@opt/core';
import { lInv, lre } from '@opt/lre';
import { direct, hebbian, nystrom } from '@opt/lre-basis';
import { bfgs, covarianceTimesLoss, empiricalFisher, fullHutchinsonHessian, gaussNewton, type ProbeKind, sr1 } from '@opt/lre-curvature';
import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { cube, type Name, newton, objectiveOf, start, values } from './testing/quartic.ts';

describe('an objective is asked', () => {
  it('for the probe first, then its product, then the parameters move', () => {
    const optimizer = createOptimizer({ transform: newton(), parameters: start, backend: reference() });
    const log: string[] = [];
    const before = values(optimizer.parameters);
    const objective = objectiveOf(optimizer.parameters, log);
    optimizer.step({
      ...objective,
      hvp: (v) => {
        expect(values(optimizer.parameters)).toEqual(before);
        expect(Math.hypot(...values(v))).toBeCloseTo(1, 12);
        return objective.hvp(v);
      },
    });
    expect(log).toEqual(['gradients', 'hvp']);
    expect(values(optimizer.parameters)).not.toEqual(before);
  });

  it('only for what the step reads, so that plain gradients do between refreshes', () => {
    const optimizer = createOptimizer({ transform: newton({ updateFreq: 3 }), parameters: start, backend: reference() });
    const log: string[] = [];
    const objective = objectiveOf(optimizer.parameters, log);
    optimizer.step(objective);
    optimizer.step(objective);
    optimizer.step(objective.gradients());
    expect(log).toEqual(['gradients', 'hvp', 'gradients', 'gradients']);
    const [before, state] = [values(optimizer.parameters), mapValues(optimizer.state, (slot) => Array.from(slot))];
    expect(() => optimizer.step(objective.gradients())).toThrow(
      "step: sr1 needs hvp in this step: call step(objective) with hvp(v), the product of the Hessian with v; or set hvpMethod to 'central', which needs gradients only",
    );
    expect([values(optimizer.parameters), mapValues(optimizer.state, (slot) => Array.from(slot))]).toEqual([before, state]);
    optimizer.step(objective);
    expect(log.at(-1)).toBe('hvp');
  });

  it('for nothing more after a gradient that is not finite', () => {
    const optimizer = createOptimizer({ transform: newton(), parameters: start, backend: reference() });
    const log: string[] = [];
    const objective = objectiveOf(optimizer.parameters, log);
    optimizer.step({ ...objective, gradients: () => ({ w: [Number.NaN, 0, 0, 0], b: [0, 0, 0] }) });
    expect(log).toEqual([]);
    expect(optimizer.skippedSteps).toBe(1);
    expect(values(optimizer.parameters)).toEqual([1, -2, 0.5, 1.5, -1, 2, 1]);
  });

  it.each([
    [lre({ curvature: covarianceTimesLoss() }), 'covariance-times-loss needs loss in this step: call step(objective) with loss()'],
    [lre({ curvature: empiricalFisher() }), 'empirical-fisher needs perSampleGradients in this step'],
    [
      lre({ curvature: bfgs({ hvpMethod: 'forward' }), basis: direct() }),
      'bfgs needs hvp in this step: call step(objective) with gradients(at), of which differences are taken',
    ],
  ])('with an error that says who lacks what (%#)', (transform, message) => {
    const optimizer = createOptimizer({ transform, parameters: start, backend: reference() });
    const gradients = mapValues(start, ({ data }) => data);
    expect(() => optimizer.step(gradients)).toThrow(ObjectiveError);
    expect(() => optimizer.step(gradients)).toThrow(message);
    expect(values(optimizer.parameters)).toEqual([1, -2, 0.5, 1.5, -1, 2, 1]);
  });

  it.each<[Partial<Objective<Name, 'sync'>>, Rule, string]>([
    [{ hvp: () => ({ w: [1], b: [1, 1, 1] }) }, newton(), "hvp must give an array of 4 numbers for 'w', received 1"],
    [
      { samples: 2, perSampleGradients: () => ({ gradients: { w: [1], b: [] }, losses: [1, 2] }) },
      lre({ curvature: gaussNewton() }),
      "perSampleGradients must give an array of 8 numbers for 'w', received 1",
    ],
    [
      { samples: 2, perSampleGradients: () => ({ gradients: { w: [], b: [] }, losses: [1] }) },
      lre({ curvature: gaussNewton() }),
      'perSampleGradients must give 2 losses, received 1',
    ],
    [{ gradients: () => ({ w: [1], b: [1, 1, 1] }) }, sgd(), "gradient of 'w' must have 4 elements"],
  ])('and its answers are checked (%#)', (bad, transform, message) => {
    const optimizer = createOptimizer({ transform, parameters: start, backend: reference() });
    const objective = { ...objectiveOf(optimizer.parameters), ...bad };
    expect(() => optimizer.step(objective)).toThrow(message);
    expect(values(optimizer.parameters)).toEqual([1, -2, 0.5, 1.5, -1, 2, 1]);
  });
});

describe('products', () => {
  it.each(['forward', 'central'] as const)('from %s differences at shifted copies come near exact ones and move nothing', (hvpMethod) => {
    const run = (transform: Rule, only: boolean): number[] => {
      const optimizer = createOptimizer({ transform, parameters: start, backend: reference(), seed: 5 });
      const log: string[] = [];
      const { gradients, hvp } = objectiveOf(optimizer.parameters, log);
      for (let step = 0; step < 6; step++) optimizer.step(only ? { gradients } : { gradients, hvp });
      expect(log.includes('hvp')).toBe(!only);
      return values(optimizer.parameters);
    };
    const exact = run(newton(), false);
    const near = run(newton({ curvature: sr1({ hvpMethod, h: 1e-5 }) }), true);
    near.forEach((x, i) => {
      expect(x).toBeCloseTo(exact[i] ?? Number.NaN, 3);
    });
  });

  it.each(['forward', 'central'] as const)(
    'by %s differences survive a function that uses one array again and again (D15)',
    (hvpMethod) => {
      const run = (again: boolean): number[] => {
        const optimizer = createOptimizer({
          transform: newton({ curvature: sr1({ hvpMethod }) }),
          parameters: start,
          backend: reference(),
          seed: 2,
        });
        const held = { w: new Float64Array(4), b: new Float64Array(3) };
        const gradients = (at: Values<Name> = optimizer.parameters): Values<Name> => {
          if (!again) return mapValues(at, (part) => Float64Array.from(cube(part)));
          for (const name of ['w', 'b'] as const) held[name].fill(0).set(cube(at[name]));
          return held;
        };
        for (let step = 0; step < 4; step++) optimizer.step({ gradients });
        return values(optimizer.parameters);
      };
      expect(run(true)).toEqual(run(false));
    },
  );

  it('with a vector of one’s own', () => {
    const optimizer = createOptimizer({
      transform: newton({ curvature: sr1({ orthogonalize: false }) }),
      parameters: start,
      backend: reference(),
    });
    const seen: number[][] = [];
    const objective = objectiveOf(optimizer.parameters);
    optimizer.step({
      ...objective,
      probe: () => ({ w: [1, 0, 0, 0], b: [0, 0, 0] }),
      hvp: (v) => {
        seen.push(values(v));
        return objective.hvp(v);
      },
    });
    expect(seen).toEqual([[1, 0, 0, 0, 0, 0, 0]]);
  });

  it.each<ProbeKind>(['normal', 'rademacher', 's', 'g', 'mixed'])('of probes of kind %s are the same for the same seed', (z) => {
    const run = (seed: number): { seen: number[][]; at: number[] } => {
      const transform = newton({ curvature: fullHutchinsonHessian({ z }) });
      const optimizer = createOptimizer({ transform, parameters: start, backend: reference(), seed });
      const seen: number[][] = [];
      const objective = objectiveOf(optimizer.parameters);
      for (let step = 0; step < 12; step++) {
        optimizer.step({
          ...objective,
          hvp: (v) => {
            seen.push(values(v));
            return objective.hvp(v);
          },
        });
      }
      return { seen, at: values(optimizer.parameters) };
    };
    const [first, again, other] = [run(1), run(1), run(2)];
    expect(again).toEqual(first);
    if (z !== 'g') expect(other.seen).not.toEqual(first.seen);
    const plusMinus = first.seen.filter((v) => v.every((x) => Math.abs(x) === 1)).length;
    if (z === 'rademacher') expect(plusMinus).toBe(12);
    if (z === 'normal') expect(plusMinus).toBe(0);
    if (z === 'mixed') expect(plusMinus).toBeGreaterThan(0);
    if (z === 'mixed') expect(plusMinus).toBeLessThan(12);
  });

  it('for one part of a model only leave the other out', () => {
    const transform = partition({ here: newton(), there: sgd({ learningRate: 0.01 }) }, (name) => (name === 'w' ? 'here' : 'there'));
    const optimizer = createOptimizer({ transform, parameters: start, backend: reference() });
    const objective = objectiveOf(optimizer.parameters);
    optimizer.step({
      ...objective,
      hvp: (v) => {
        expect(Array.from(v.b)).toEqual([0, 0, 0]);
        expect(Math.hypot(...v.w)).toBeCloseTo(1, 12);
        return objective.hvp(v);
      },
    });
  });

  it('that are not finite are rejected: basis and inner state stay', () => {
    const optimizer = createOptimizer({ transform: newton(), parameters: start, backend: reference() });
    const objective = objectiveOf(optimizer.parameters);
    for (let step = 0; step < 3; step++) optimizer.step(objective);
    const before = mapValues(optimizer.state, (slot) => Array.from(slot));
    optimizer.step({ ...objective, hvp: (v) => mapValues(v, (part) => Array.from(part, () => Number.POSITIVE_INFINITY)) });
    const after = mapValues(optimizer.state, (slot) => Array.from(slot));
    for (const key of Object.keys(before)) if (key.includes('/direct.')) expect(after[key], key).toEqual(before[key]);
    expect(values(optimizer.parameters).every(Number.isFinite)).toBe(true);
  });
});

describe('parts that do not fit are refused when the optimizer is made', () => {
  it.each([
    [() => lre({ curvature: sr1(), basis: hebbian() }), "curvature 'sr1' multiplies by eigenvalues, which are not kept by basis 'hebbian'"],
    [
      () => lre({ curvature: bfgs(), basis: nystrom() }),
      "curvature 'bfgs' has corrections of either sign, which are not taken by basis 'nystrom'",
    ],
    [
      () => lre({ curvature: fullHutchinsonHessian(), basis: nystrom(), symmetrize: false }),
      "curvature 'full-hutchinson-hessian' with symmetrize: false has unsymmetric corrections, which are not taken by basis 'nystrom'",
    ],
  ])('%#', (make, message) => {
    expect(make).toThrow(TransformError);
    expect(make).toThrow(message);
  });

  it.each([
    [
      lre({ basis: hebbian(), inner: lInv() }),
      'l-inv needs eigenvalues, which only a basis can offer: use it inside lre with a basis that has them, such as ggt()',
    ],
    [lInv(), 'l-inv needs eigenvalues'],
    [accumulate(2, lInv()), 'l-inv needs eigenvalues'],
    [
      lre({ curvature: bfgs({ hvpMethod: 'forward' }), gradientAccumulationSteps: 2 }),
      'accumulate: bfgs needs hvp, which an objective gives for the last call of a window only',
    ],
    [lre({ curvature: gaussNewton(), gradientAccumulationSteps: 2 }), 'accumulate: gauss-newton needs perSampleGradients'],
    [lre({ curvature: covarianceTimesLoss(), gradientAccumulationSteps: 2 }), 'needs loss, which an objective gives for the last call'],
  ])('%#', (transform, message) => {
    const make = (): unknown => createOptimizer({ transform, parameters: start, backend: reference() });
    expect(make).toThrow(OptError);
    expect(make).toThrow(message);
  });

  it('products for two stages at once', () => {
    const two = partition({ one: newton(), two: newton() }, (name) => (name === 'w' ? 'one' : 'two'));
    expect(() => createOptimizer({ transform: two, parameters: start, backend: reference() })).toThrow(
      'sr1 and sr1 both need hvp, but a step has one product for the whole model',
    );
  });
});
