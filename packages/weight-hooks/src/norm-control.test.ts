import { reference } from '@opt/backend-reference';
import { createOptimizer, linear, OptionTypeError, perTensor, rule, TransformError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { hyperball, normControl, radialBrake, radiusPin, relativeUpdate, updateFloor } from './index.ts';
import { expectClose, length, minus, path, plain, times, wave } from './testing/run.ts';

const [start, g] = [wave(6, 1), wave(6, 2)];

describe('normControl', () => {
  it('decays first, masks by the final direction, decays cautiously last', () => {
    const [eta, lambda, kappa] = [0.1, 0.3, 0.5];
    const transform = normControl({
      base: plain(eta),
      stages: [relativeUpdate()],
      weightDecay: lambda,
      cautiousDecay: kappa,
    });
    const weight = times(start, 1 - eta * lambda);
    const U = times(g, length(weight) / length(g));
    const expected = weight.map((w, i) => {
      const u = U[i] ?? 0;
      return (w - eta * u) * (1 - eta * kappa * Number(u * w > 0));
    });
    expectClose(path(transform, [2, 3], start, [g])[0], expected);
  });

  it('stages see what earlier ones made of the direction; corrections come in reverse', () => {
    // The floor lifts the half-removed radial part; the pin sees the lifted one.
    const outward = times(start, -0.1);
    const transform = normControl({
      base: plain(0.1),
      stages: [radialBrake({ form: 'component', outwardScale: 0.5 }), updateFloor({ ratio: 0.35 }), radiusPin()],
    });
    expectClose(path(transform, [2, 3], start, [outward])[0], times(start, 1 + 0.1 * 0.35));
    const log: string[] = [];
    const noting = (name: string) => ({
      name,
      hypers: [],
      apply: () => ({
        after: (moved: Parameters<NonNullable<ReturnType<ReturnType<typeof radiusPin>['apply']>['after']>>[0]) => {
          log.push(name);
          return moved;
        },
      }),
    });
    path(normControl({ base: plain(0.1), stages: [noting('a'), noting('b')] }), [2, 3], start, [g]);
    expect(log.slice(-2)).toEqual(['b', 'a']);
  });

  it('leaves parameters of low rank to the base, decay included', () => {
    const [eta, lambda] = [0.1, 0.5];
    const transform = normControl({ base: plain(eta), stages: [hyperball({ radius: 1 })], weightDecay: lambda });
    expectClose(path(transform, [6], start, [g])[0], minus(times(start, 1 - eta * lambda), times(g, eta)));
    const wrapped = normControl({ base: plain(eta), stages: [hyperball({ radius: 1 })], minRank: 1 });
    expect(length(path(wrapped, [6], start, [g])[0] ?? [])).toBeCloseTo(1, 13);
  });

  it('a bias correction that travels beside the direction is part of it', () => {
    const transform = normControl({ base: plain(0.1, 7), stages: [relativeUpdate()] });
    expectClose(path(transform, [2, 3], start, [g])[0], minus(start, times(g, (0.1 * length(start)) / length(g))));
    const free = normControl({ base: plain(0.1, 7), stages: [radialBrake({ outwardScale: 1 })] });
    expectClose(path(free, [2, 3], start, [g])[0], minus(start, times(g, 0.7)));
  });

  it("the base's learning rate is that of the decays, live", () => {
    const transform = normControl({ base: plain(0.1), stages: [updateFloor({ ratio: 1e-9 })], weightDecay: 0.5 });
    const optimizer = createOptimizer({ transform, parameters: { w: { shape: [2, 3], data: start } }, backend: reference() });
    optimizer.set('learningRate', 0.2);
    optimizer.step({ w: g });
    expectClose([...optimizer.parameters.w], minus(times(start, 1 - 0.2 * 0.5), times(g, 0.2)));
  });

  it('a schedule of the decay is followed', () => {
    const transform = normControl({
      base: plain(0.1),
      stages: [updateFloor({ ratio: 1e-9 })],
      weightDecay: linear({ from: 1, to: 0, steps: 1 }),
    });
    const zero = times(g, 0);
    const [once, twice] = path(transform, [2, 3], start, [zero, zero]);
    expectClose(once, times(start, 0.9));
    expectClose(twice, times(start, 0.9));
  });

  it('decay needs one learning rate, which is given where the base has none', () => {
    const rateless = rule(perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) }));
    const make = (): unknown => normControl({ base: rateless, stages: [hyperball()], weightDecay: 0.1 });
    expect(make).toThrow(OptionTypeError);
    expect(make).toThrow('norm-control: learningRate must be given for weightDecay, since base has 0 of them, received undefined');
    expect(() => normControl({ base: rateless, stages: [hyperball()], weightDecay: 0.1, learningRate: 0.1 })).not.toThrow();
    expect(() => normControl({ base: rateless, stages: [hyperball()] })).not.toThrow();
  });

  it('refuses stages that would undo one another', () => {
    const make = (...stages: Parameters<typeof normControl>[0]['stages'][number][]) => normControl({ base: plain(0.1), stages });
    expect(() => make(hyperball(), radiusPin())).toThrow(
      "norm-control: only one stage may fix the length of weights, received 'hyperball' and 'radius-pin'",
    );
    expect(() => make(updateFloor(), updateFloor({ per: 'row' }))).toThrow(TransformError);
    expect(() => make(updateFloor(), updateFloor({ per: 'row', name: 'rows' }))).not.toThrow();
  });
});
