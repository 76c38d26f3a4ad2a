import { chain, named, OptionTypeError, TransformError } from '@opt/core';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { outerNesterov, outerSteps } from './index.ts';
import { expectClose, gradients, make, paths, start } from './testing/runs.ts';

const base = sgd({ learningRate: 0.1 });

describe('outerSteps', () => {
  it('with Nesterov momentum outside is outerNesterov', () => {
    const outer = sgd({ learningRate: 0.7, momentum: 0.6, nesterov: true });
    expectClose(paths(outerSteps({ base, outer, every: 3 })).trained, paths(outerNesterov({ base, every: 3 })).trained);
  });

  it('every step, with SGD of rate 1 inside, is the outer optimizer', () => {
    const outer = adamw({ learningRate: 0.05 });
    const wrapped = outerSteps({ base: sgd({ learningRate: 1 }), outer, every: 1 });
    expectClose(paths(wrapped).trained, paths(outer).trained, 1e-12);
  });

  it('gives the outer optimizer the way gone, and only when it is due', () => {
    const [outside, every] = [make(adamw({ learningRate: 0.02 })), 4];
    const inside = [...start];
    const byHand = gradients.map((gradient, t) => {
      gradient.forEach((g, i) => {
        inside[i] = (inside[i] ?? 0) - 0.1 * g;
      });
      if ((t + 1) % every !== 0) return [...inside];
      const anchor = [...outside.parameters.w];
      outside.step({ w: anchor.map((a, i) => a - (inside[i] ?? 0)) });
      inside.splice(0, 4, ...outside.parameters.w);
      return [...inside];
    });
    expectClose(paths(outerSteps({ base, outer: adamw({ learningRate: 0.02 }), every })).trained, byHand);
  });

  it('refuses what is no optimizer, and what needs more than gradients', () => {
    const needy = {
      ...base,
      declare: (_: unknown, at: Parameters<typeof base.declare>[1]) => at.needs({ what: 'loss', by: 'needy' }),
    };
    expect(() => make(outerSteps({ base, outer: needy }))).toThrow(TransformError);
    expect(() => make(outerSteps({ base, outer: needy }))).toThrow('needy needs loss, and an outer step has gradients only');
    // @ts-expect-error: a chain has no direction to be replaced.
    expect(() => outerSteps({ base, outer: chain(named('a', base)) })).toThrow(OptionTypeError);
  });
});
