import { linear, OptionRangeError, OptionTypeError, partition } from '@opt/core';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type EmaNesterovOptions, emaNesterov } from './index.ts';
import { expectClose, gradients, make, paths, start } from './testing/runs.ts';

/** Around SGD, entry by entry. */
function byHand(
  o: { lookahead: number; lookaheadEma: number; start?: number; end?: number | null; scaleWithRate?: boolean; first?: number },
  rate: (t: number) => number,
): { trained: number[][]; judged: number[][] } {
  const [x, y, m] = [[...start], [...start], start.map(() => 0)];
  const result: { trained: number[][]; judged: number[][] } = { trained: [], judged: [] };
  gradients.forEach((gradient, index) => {
    const n = index + 1;
    const within = n >= (o.start ?? 0) && (o.end === null || o.end === undefined || n < o.end);
    const reach = within ? o.lookahead * (o.scaleWithRate === false ? 1 : rate(index) / (o.first ?? rate(0))) : 0;
    gradient.forEach((g, i) => {
      const next = (y[i] ?? 0) - rate(index) * g;
      m[i] = o.lookaheadEma * (m[i] ?? 0) + (1 - o.lookaheadEma) * (next - (x[i] ?? 0));
      x[i] = next;
      y[i] = next + reach * (m[i] ?? 0);
    });
    result.trained.push([...y]);
    result.judged.push([...x]);
  });
  return result;
}

const around = (o: Omit<EmaNesterovOptions, 'base'>, rate: number | ((t: number) => number)) =>
  paths(emaNesterov({ ...o, base: sgd({ learningRate: rate }) }));

describe('emaNesterov', () => {
  it.each([
    { lookahead: 0.6, lookaheadEma: 0.9 },
    { lookahead: 0.5, lookaheadEma: 0.5, start: 3, end: 6 },
    { lookahead: 0.5, lookaheadEma: 0, start: 0, end: 1 },
  ])('trains ahead and judges behind: %j', (options) => {
    const actual = around(options, 0.1);
    const expected = byHand(options, () => 0.1);
    expectClose(actual.trained, expected.trained);
    expectClose(actual.judged, expected.judged);
  });

  it('reaches as far as the rate goes, unless told not to', () => {
    const rate = linear({ from: 0.2, to: 0.02, steps: 6 });
    const options = { lookahead: 0.6, lookaheadEma: 0.8 };
    expectClose(around(options, rate).trained, byHand(options, rate).trained);
    expectClose(around({ ...options, scaleWithRate: false }, rate).trained, byHand({ ...options, scaleWithRate: false }, rate).trained);
    expectClose(around({ ...options, initialRate: 0.4 }, rate).trained, byHand({ ...options, first: 0.4 }, rate).trained);
  });

  it('finalize leaves the plain point', () => {
    const optimizer = make(emaNesterov({ base: adamw({ learningRate: 0.1 }), lookaheadEma: 0.5 }));
    for (const w of gradients) optimizer.step({ w });
    const x = [...optimizer.evaluation.w];
    optimizer.finalize();
    expect([...optimizer.parameters.w]).toEqual(x);
    expect([...optimizer.evaluation.w]).toEqual(x);
  });

  it('wants to know the rate', () => {
    const several = { ...sgd(), ...partition({ a: sgd(), b: sgd() }, () => 'a') };
    expect(() => emaNesterov({ base: sgd({ learningRate: (t) => t }) })).toThrow(OptionRangeError);
    expect(() => emaNesterov({ base: sgd({ learningRate: 0 }) })).toThrow(
      'ema-nesterov: initialRate must be given where the learning rate begins at 0, received 0',
    );
    const noRates = {
      ...several,
      mapMove: (f: Parameters<typeof several.mapMove>[0]) => sgd().mapMove(() => f(partition({ a: sgd(), b: sgd() }, () => 'a'))),
    };
    expect(() => emaNesterov({ base: noRates })).toThrow(OptionTypeError);
    expect(() => emaNesterov({ base: noRates })).toThrow('learningRate must be given, or scaleWithRate false, since base has 2 of them');
  });
});
