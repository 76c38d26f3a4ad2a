import { describe, expect, it } from 'vitest';
import { momentAt, nameOf, parse, refreshes, type Timing } from './moments.ts';

/** The same, step by step. */
function simulate(timing: Timing, steps: number) {
  let [count, last] = [0, -1];
  return Array.from({ length: steps }, (_, t) => {
    const refresh = t % timing.updateFreq === 0 || t < timing.initSteps;
    const columns = t - last;
    if (refresh) [count, last] = [count + 1, t];
    return { refresh, columns, count, steps: last + 1 };
  });
}

describe.each([1, 2, 3, 5])('with a refresh every %i steps', (updateFreq) => {
  it.each([0, 1, 2, 4, 7])('after %i steps that only build the basis', (initSteps) => {
    for (const late of [false, true]) {
      const timing = { updateFreq, initSteps, late };
      const expected = simulate(timing, 40);
      const moments = expected.map((_, t) => momentAt(t, timing));
      expect(moments.map(({ refresh, columns }) => ({ refresh, columns }))).toEqual(
        expected.map(({ refresh, columns }) => ({ refresh, columns })),
      );
      expect(expected.map((_, t) => refreshes(t, timing))).toEqual(expected.map(({ count, steps }) => ({ count, steps })));
      expect(moments.filter(({ first }) => first)).toHaveLength(1);
      const opening = moments.findIndex((moment) => moment.opening);
      expect(moments[opening]?.refresh).toBe(true);
      expect(opening === 0).toBe(!late);
      // The stages inside start with the first step that is not held.
      expect(moments.findIndex(({ start }) => start)).toBe(moments.findIndex(({ hold }) => !hold));
      expect(moments.findIndex(({ start }) => start)).toBe(Math.max(opening, initSteps));
      for (const moment of moments) {
        const back = parse(nameOf(moment));
        expect(back).toEqual({ ...moment, columns: moment.refresh ? moment.columns : 0 });
      }
    }
  });
});
