import { chain, createOptimizer, type Draws, inBasis, mapValues, type Rule, rule, type Transform } from '@opt/core';
import { lbfgs } from '@opt/quasi-newton';
import { kroneckerEigenbasis } from '@opt/soap';
import { descend, extragradient, sam, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { followed, model } from '../questions/follow.ts';
import { type Asking, flat, type Log, objectiveOf, place, split } from '../questions/objective.ts';
import * as plain from '../questions/plain.ts';
import { lbfgs as lbfgsOnArrays } from '../questions/plain-lbfgs.ts';
import * as rules from '../questions/rules.ts';
import { expectClose, type Harness, values } from './harness.ts';
import { type AnyOptimizer, optimizerOn, withOptimizer } from './models.ts';

const rate = 0.05;
const moving = (direction: Transform, learningRate = rate): Rule => rule(direction, descend({ learningRate }));

/** What is asked in the middle of a step: rules that do, against the same on plain arrays. */
export function testQuestions(harness: Harness): void {
  const on = (transform: Transform): Promise<AnyOptimizer> => optimizerOn(harness.backend, transform, model);
  const modes: readonly (readonly [string, Asking])[] = [
    ['at once', {}],
    ['later', { late: true }],
  ];

  const follow = (
    optimizer: AnyOptimizer,
    walk: plain.Walk,
    asking: Asking,
    { steps = 6, before }: { readonly steps?: number; readonly before?: (step: number) => void } = {},
  ): Promise<void> => followed(harness, optimizer, walk, asking, steps, before);

  describe.each(modes)('rules that ask in the middle of a step, answered %s', (_, asking) => {
    it('exact MARS', async () => {
      await withOptimizer(on(moving(rules.exactMars(0.9, 0.025))), (o) => follow(o, plain.exactMars(0.9, 0.025, rate), asking));
    });

    it('SAM with a live ρ', async () => {
      const rho = (step: number): number => 0.1 + 0.05 * step;
      let now = 0;
      const walk = plain.sam(() => rho(now), rate);
      await withOptimizer(on(sgd({ learningRate: rate }).mapDirection((u) => chain(sam(), u))), (o) =>
        follow(o, walk, asking, {
          before(step) {
            now = step;
            o.set('rho', rho(step));
          },
        }),
      );
    });

    it('ASAM', async () => {
      const direction = sam({ rho: 0.5, adaptive: true });
      await withOptimizer(on(moving(direction)), (o) =>
        follow(
          o,
          plain.sam(() => 0.5, rate, 0.01),
          asking,
        ),
      );
    });

    it('extragradient', async () => {
      await withOptimizer(on(extragradient({ learningRate: rate })), (o) => follow(o, plain.sgdAhead(rate, rate), asking));
    });

    it('two-point zeroth order', async () => {
      let call = 0;
      const drawn = (): plain.Vector => values(flat(model).length, 50 + call);
      const draws: Draws = (__, owner) => split(model, drawn())[owner] ?? [];
      const transform = moving(rules.zerothOrder(0.1), 0.01);
      await withOptimizer(createOptimizer({ transform, parameters: model, backend: harness.backend, draws }), (o) =>
        follow(o, plain.zerothOrder(0.1, 0.01, drawn), asking, {
          before(step) {
            call = step;
          },
        }),
      );
    });

    it('L-BFGS with a strong-Wolfe search', async () => {
      const log: Log = [];
      const options = { maxIter: 2, maxEval: 6, historySize: 3, learningRate: 3, lineSearch: 'strongWolfe' } as const;
      const walk = lbfgsOnArrays(plain.problem, options);
      await withOptimizer(on(lbfgs(options)), (o) => follow(o, walk, { ...asking, log }, { steps: 4 }));
      // A search ends when it has what it wants, also where the host has to wait to see that; every step begins with one loss more.
      const asked = walk.evaluations.reduce((sum, n) => sum + n - 1, 0);
      expect(log.filter((what) => what === 'loss there').length).toBe(asked);
      expect(asked).toBeLessThan(6 * walk.evaluations.length);
      expect(Math.max(...walk.evaluations)).toBeGreaterThan(3);
    });
  });

  it('Sophia in the basis of SOAP: z∘Hz is of its coordinates', async () => {
    const z = split(model, values(flat(model).length, 9));
    const transform = moving(inBasis(kroneckerEigenbasis(), rules.curvature));
    const draws: Draws = (_, owner) => z[owner] ?? [];
    await withOptimizer(createOptimizer({ transform, parameters: model, backend: harness.backend, draws }), async (optimizer) => {
      // The first call makes the basis.
      await optimizer.step(objectiveOf(optimizer, model));
      const read = async (key: string): Promise<number[]> => [...((await optimizer.state[key]) ?? [])];
      const [Q, R] = [await read('soap.Q0:w'), await read('soap.Q1:w')];
      const x = await place(optimizer, model);
      await optimizer.step(objectiveOf(optimizer, model));
      /** U = Q·V·Rᵀ, or back. */
      const turned = (V: plain.Vector, back: boolean): number[] =>
        Array.from({ length: 6 }, (_, ij) => {
          const [i, j] = [Math.floor(ij / 2), ij % 2];
          return V.reduce((sum, v, ab) => {
            const [a, b] = [Math.floor(ab / 2), ab % 2];
            return sum + (back ? (Q[3 * a + i] ?? 0) * (R[2 * b + j] ?? 0) : (Q[3 * i + a] ?? 0) * (R[2 * j + b] ?? 0)) * v;
          }, 0);
        });
      const one = await read('soap.Q0:b');
      const turnedB = (V: plain.Vector, back: boolean): number[] =>
        one.length === 0
          ? [...V]
          : V.map((_, i) => V.reduce((sum, v, a) => sum + (back ? (one[2 * a + i] ?? 0) : (one[2 * i + a] ?? 0)) * v, 0));
      const Hz = plain.problem.product(x, [...turned(z['w'] ?? [], false), ...turnedB(z['b'] ?? [], false)]);
      const expected = { w: turned(Hz.slice(0, 6), true), b: turnedB(Hz.slice(6), true) };
      for (const [name, part] of Object.entries(expected)) {
        const h = part.map((one, i) => one * (z[name]?.[i] ?? 0));
        expectClose(harness, name, await read(`soap/curvature.h:${name}`), h, harness.tolerance('trajectory'), { by: 'largest' });
      }
      expect(mapValues(expected, (part) => part.every(Number.isFinite))).toEqual({ w: true, b: true });
    });
  });
}
