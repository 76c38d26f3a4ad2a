import { TransformError } from '@opt/core';
import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { emaNesterov, tailAverage } from './index.ts';
import { expectClose, gradients, make, paths, start } from './testing/runs.ts';

const base = sgd({ learningRate: 0.1, momentum: 0.5 });

/** The read-out along a path of weights. */
function byHand(weights: readonly (readonly number[])[], from: number, horizon: number, blend: number): number[][] {
  let e: number[] | undefined = from === 0 ? [...start] : undefined;
  return weights.map((w, index) => {
    if (e !== undefined) e = e.map((x, i) => x + ((w[i] ?? 0) - x) / horizon);
    else if (index + 1 >= from) e = [...w];
    return w.map((x, i) => (e === undefined ? x : (1 - blend) * x + blend * (e[i] ?? 0)));
  });
}

describe('tailAverage', () => {
  it.each([
    [0, 3, 0.5],
    [1, 4, 1],
    [4, 2, 0.6],
    [8, 5, 0.6],
    [20, 5, 1],
  ])('from %d on, horizon %d, blend %d', (from, horizon, blend) => {
    const { trained, judged } = paths(tailAverage({ base, start: from, horizon, blend }));
    expect(trained).toEqual(paths(base).trained);
    expectClose(judged, byHand(trained, from, horizon, blend));
  });

  it('finalize leaves the read-out', () => {
    const optimizer = make(tailAverage({ base, start: 2, horizon: 4 }));
    for (const w of gradients) optimizer.step({ w });
    const judged = [...optimizer.evaluation.w];
    optimizer.finalize();
    expect([...optimizer.parameters.w]).toEqual(judged);
  });

  it('leaves out whom it is told to', () => {
    const { judged, trained } = paths(tailAverage({ base, start: 1, exclude: ['w'] }));
    expect(judged).toEqual(trained);
    expect(() => make(tailAverage({ base, start: 1, exclude: ['v'] }))).toThrow(TransformError);
  });

  it('around EMA-Nesterov averages the plain point', () => {
    const ahead = emaNesterov({ base, lookaheadEma: 0.5 });
    const plain = paths(ahead).judged;
    for (const from of [0, 3])
      expectClose(paths(tailAverage({ base: ahead, start: from, horizon: 3 })).judged, byHand(plain, from, 3, 0.6));
  });

  it('wants to know when', () => {
    expect(() => Reflect.apply(tailAverage, undefined, [{ base }])).toThrow('tail-average: start must be given, received undefined');
  });
});
