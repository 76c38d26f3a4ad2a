import {
  accumulate,
  chain,
  concatenated,
  inBasis,
  type Mode,
  mapValues,
  NonFiniteAnswerError,
  named,
  type Objective,
  ObjectiveError,
  partition,
  perTensor,
  type Rule,
  rule,
  skipNonFinite,
  type TensorChange,
  type TensorStep,
  type Transform,
  TransformError,
  weightEma,
  where,
} from '@opt/core';
import { adam, descend, extragradient, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { followed, model } from '../questions/follow.ts';
import { type Log, objectiveOf, place, split } from '../questions/objective.ts';
import * as plain from '../questions/plain.ts';
import { ahead, exactMars, mirrored, narrow } from '../questions/rules.ts';
import { expectClose, expectSame, type Harness } from './harness.ts';
import { type AnyOptimizer, optimizerOn, snapshot, withOptimizer } from './models.ts';
import { failureOf } from './optimizers.ts';

const rate = 0.05;
const move = descend({ learningRate: rate });

/** u as it is. */
const normal: Transform = perTensor({ name: 'normal', apply: ({ update }) => ({ update }) });

/** f(p) and f(p + g), the second only in every other step or where a scalar says so. */
const probing = (when: 'phase' | 'scalar'): Transform =>
  perTensor({
    name: 'probing',
    needs: [{ what: 'gradient', evaluated: 'shifted' }],
    state: ({ shape }) => ({ seen: { shape, kind: 'invariant' } }),
    apply({ update: g, owner, site, count }) {
      const even = (n: number): 'asks' | 'rests' => (n % 2 === 0 ? 'asks' : 'rests');
      if (when === 'phase' && site.phase(owner, even) === 'rests') return { state: { seen: g.mul(0) } };
      const wanted = count.mul(0.5).sub(count.mul(0.5).floor()).eq(0);
      const question = { want: 'gradient', shift: g, ...(when === 'scalar' && { when: wanted }) } as const;
      return { state: { seen: site.evaluate('far', owner, question) } };
    },
  });

/** Three questions in a row, each made of the answer before it. */
const chained: Transform = perTensor({
  name: 'chained',
  needs: [{ what: 'gradient', evaluated: 'shifted' }],
  state: ({ shape }) => ({ sum: { shape, kind: 'vector' } }),
  apply({ update: g, owner, site, state: { sum } }) {
    const ask = (name: string, d: typeof g): typeof g => site.evaluate(name, owner, { want: 'gradient', shift: d.mul(-0.1) });
    const last = ask('third', ask('second', ask('first', g)));
    return { update: last, state: { sum: sum.add(last) } };
  },
});

/** What is promised about answers that come in the middle of a step. */
export function testAnswers(harness: Harness): void {
  const on = (transform: Transform): Promise<AnyOptimizer> => optimizerOn(harness.backend, transform, model);
  const only = (i: number): boolean => i < 6;
  /** A reflection changes nothing; along one direction it is the part in it that moves. */
  const along: plain.Walk = (x) => {
    const parts = [x.slice(0, 6), x.slice(6)];
    const inside = (v: plain.Vector): number[] => {
      const means = [v.slice(0, 6), v.slice(6)].map((part) => part.reduce((sum, a) => sum + a, 0) / part.length);
      return parts.flatMap((part, i) => part.map(() => means[i] ?? 0));
    };
    const there = plain.plus(x, inside(plain.problem.gradient(x)), -rate);
    return plain.plus(x, inside(plain.problem.gradient(there)), -rate);
  };

  describe('a question in a wrapper', () => {
    const all = plain.sgdAhead(rate, rate);
    const parts = partition({ w: rule(ahead(rate), move), b: sgd({ learningRate: rate }) }, (name) => (name === 'w' ? 'w' : 'b'));
    it.each<[string, Transform, plain.Walk]>([
      ['named', named('outer', rule(ahead(rate), move)), all],
      ['averaged', weightEma({ emaMomentum: 0.5 }, rule(ahead(rate), move)), all],
      ['guarded before and after', rule(chain(skipNonFinite(ahead(rate)), named('behind', skipNonFinite(normal))), move), all],
      ['partition', parts, plain.sgdAhead(rate, rate, only)],
      ['joined', rule(concatenated(ahead(rate)), move), all],
      ['basis', rule(inBasis(mirrored, ahead(rate)), move), all],
      ['joined inside a basis', rule(inBasis(mirrored, concatenated(ahead(rate))), move), all],
      ['basis inside of joined', rule(concatenated(inBasis(mirrored, ahead(rate))), move), all],
      ['basis in a basis', rule(inBasis(mirrored, inBasis(mirrored, ahead(rate))), move), all],
      ['a basis of one dimension', rule(inBasis(narrow, ahead(rate)), move), along],
    ])('%s', async (_, transform, walk) => {
      await withOptimizer(on(transform), (optimizer) => followed(harness, optimizer, walk, {}, 3));
    });

    it('of a parameter whose neighbour has no gradient: that one stays where it is', async () => {
      await withOptimizer(on(rule(ahead(rate), move)), async (optimizer) => {
        let x: plain.Vector = await place(optimizer, model);
        for (let step = 0; step < 3; step++) {
          const all = objectiveOf(optimizer, model);
          await optimizer.step({
            ...all,
            gradients: async (at) => (at === undefined ? { w: split(model, plain.problem.gradient(x))['w'] } : all.gradients(at)),
          });
          const moved = plain.sgdAhead(rate, rate, only)(x);
          x = x.map((old, i) => (only(i) ? (moved[i] ?? Number.NaN) : old));
          const actual = await place(optimizer, model);
          expectClose(harness, `step ${step}`, actual, x, harness.tolerance('trajectory'), { by: 'largest' });
        }
      });
    });

    it('in a window is refused when the optimizer is made', async () => {
      const failure = await failureOf(() => on(accumulate(2, rule(ahead(rate), move))));
      expect(failure).toBeInstanceOf(TransformError);
      expect(String(failure)).toContain('accumulate: ahead needs gradient, which an objective gives for the last call of a window only');
    });
  });

  describe('an answer', () => {
    it('that is a loss and has to be finite drops the step where it is not; any other arrives', async () => {
      for (const finite of [true, false]) {
        const looking: Transform = perTensor({
          name: 'looking',
          needs: [{ what: 'loss', evaluated: 'here' }],
          state: () => ({ seen: { shape: [], kind: 'invariant' } }),
          apply: ({ update: g, owner, site }) => {
            const f = site.evaluate(`of ${owner}`, { want: 'loss', finite });
            return { update: g, state: { seen: where(f.isFinite(), f, -1) } };
          },
        });
        await withOptimizer(on(rule(looking, move)), async (optimizer) => {
          const objective = objectiveOf(optimizer, model);
          await optimizer.step({ ...objective, loss: () => 3 });
          const before = await snapshot(optimizer);
          for (const loss of [Number.NaN, Infinity]) {
            await optimizer.step({ ...objective, loss: () => loss });
            const after = await snapshot(optimizer);
            if (!finite) expect([...(after['looking.seen:w'] ?? [])]).toEqual([-1]);
            else
              for (const [key, held] of Object.entries(before)) if (!key.includes('guard.skipped')) expectSame(key, after[key] ?? [], held);
          }
          expect(await optimizer.skippedSteps).toBe(finite ? 2 : 0);
        });
      }
    });

    it('need not come where it is not wanted, and is 0 then', async () => {
      for (const when of ['phase', 'scalar'] as const) {
        await withOptimizer(on(rule(probing(when), move)), async (optimizer) => {
          const log: Log = [];
          for (let step = 1; step <= 4; step++) {
            await optimizer.step(objectiveOf(optimizer, model, { log }));
            const seen = [...((await optimizer.state['probing.seen:w']) ?? [])];
            expect(
              seen.some((x) => x !== 0),
              `${when}, step ${step}`,
            ).toBe(step % 2 === 0);
          }
          expect(log.filter((what) => what === 'gradients there').length).toBe(2);
        });
      }
    });

    it('is the same at any time, and leaves nothing behind: buffers and programs', async () => {
      await withOptimizer(on(rule(chained, move)), async (optimizer) => {
        const take = async (steps: number): Promise<void> => {
          for (let step = 0; step < steps; step++) await optimizer.step(objectiveOf(optimizer, model));
        };
        await take(2);
        const [programs, buffers] = [optimizer.programs, harness.buffers()];
        await take(Math.min(1000, harness.contract.steps ?? 1000));
        expect(optimizer.programs).toBe(programs);
        expect(harness.buffers()).toBe(buffers);
        // Only parameters and state are saved.
        const file = await optimizer.save();
        await withOptimizer(on(rule(chained, move)), async (resumed) => {
          await resumed.load(file);
          for (const o of [optimizer, resumed]) await o.step(objectiveOf(o, model));
          const [expected, actual] = [await snapshot(optimizer), await snapshot(resumed)];
          for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
        });
      });
    });

    it('that does not come leaves every byte as it was', async () => {
      for (const late of [false, true]) {
        await withOptimizer(on(rule(chained, move)), async (optimizer) => {
          await optimizer.step(objectiveOf(optimizer, model));
          const before = await snapshot(optimizer);
          let asked = 0;
          const failing = objectiveOf(optimizer, model, {
            late,
            before() {
              asked++;
              if (asked === 4) throw new Error('no third answer');
            },
          });
          expect(String(await failureOf(() => optimizer.step(failing)))).toContain('no third answer');
          const after = await snapshot(optimizer);
          for (const [key, held] of Object.entries(before)) expectSame(key, after[key] ?? [], held);
          await optimizer.step(objectiveOf(optimizer, model));
          expect(await place(optimizer, model)).not.toEqual([...(before['w'] ?? []), ...(before['b'] ?? [])]);
        });
      }
    });

    /** An objective one of whose answers, counted from 1, has an element that is not a number that a step can use. */
    const poisoned = (optimizer: AnyOptimizer, at: number, by: number): Objective<string, Mode> => {
      let asked = 0;
      const good = objectiveOf(optimizer, model);
      return {
        ...good,
        gradients: (there) => {
          asked++;
          if (asked !== at || there === undefined) return good.gradients(there);
          return mapValues(there, (part, name) => Array.from(part, (x, i) => (name === 'w' && i === 0 ? by : x)));
        },
      };
    };

    it.each([Infinity, Number.NaN])('of %s drops the step, also where what comes after would make a number of it', async (by) => {
      const adaptive = (nonFinite: 'skip' | 'throw'): Rule =>
        rule(skipNonFinite(rule(chain(ahead(rate), adam()), descend({ learningRate: rate })), nonFinite));
      await withOptimizer(on(adaptive('skip')), async (optimizer) => {
        await optimizer.step(objectiveOf(optimizer, model));
        const before = await snapshot(optimizer);
        await optimizer.step(poisoned(optimizer, 2, by));
        const after = await snapshot(optimizer);
        for (const [key, held] of Object.entries(before)) if (key !== 'guard.skipped:') expectSame(key, after[key] ?? [], held);
        expect(await optimizer.skippedSteps).toBe(1);
      });
      if (harness.deviceDecides) return;
      await withOptimizer(on(adaptive('throw')), async (optimizer) => {
        const before = await snapshot(optimizer);
        const failure = await failureOf(() => optimizer.step(poisoned(optimizer, 2, by)));
        expect(failure).toBeInstanceOf(NonFiniteAnswerError);
        expect(String(failure)).toContain("step: 'ahead.there' of 'w' must be finite");
        const after = await snapshot(optimizer);
        for (const [key, held] of Object.entries(before)) expectSame(key, after[key] ?? [], held);
      });
    });

    it('dropped in a step is as if the step had not been', async () => {
      const run = (bad: number) =>
        withOptimizer(on(skipNonFinite(rule(exactMars(0.9, 0.025), move))), async (optimizer) => {
          for (let step = 0; step < 5; step++) {
            if (step === bad) await optimizer.step(poisoned(optimizer, 2, Infinity));
            await optimizer.step(objectiveOf(optimizer, model));
          }
          return place(optimizer, model);
        });
      expect(await run(3)).toEqual(await run(-1));
    });
  });

  describe('what cannot be asked is refused', () => {
    it('an objective that does not look where it is asked', async () => {
      await withOptimizer(on(extragradient({ learningRate: rate })), async (optimizer) => {
        const before = await place(optimizer, model);
        const blind: Objective<string, Mode> = { gradients: () => ({ w: [1, 1, 1, 1, 1, 1], b: [1, 1] }) };
        const failure = await failureOf(() => optimizer.step(blind));
        expect(failure).toBeInstanceOf(ObjectiveError);
        expect(String(failure)).toContain(
          "'extragradient.ahead' asks at other parameters, and gradients(at) of the objective did not look at them",
        );
        expect(await place(optimizer, model)).toEqual(before);
      });
    });

    it('gradients alone', async () => {
      await withOptimizer(on(extragradient({ learningRate: rate })), async (optimizer) => {
        const failure = await failureOf(() => optimizer.step({ w: [1, 1, 1, 1, 1, 1], b: [1, 1] }));
        expect(failure).toBeInstanceOf(ObjectiveError);
        expect(String(failure)).toContain('extragradient needs gradient in this step: call step(objective) with gradients(at)');
      });
    });

    const asking = (question: (step: TensorStep<never, never>) => TensorChange<never>, declared = true): Transform =>
      rule(perTensor({ name: 'odd', ...(declared && { needs: [{ what: 'gradient', evaluated: 'shifted' }] }), apply: question }), move);
    it.each<[string, Transform, string]>([
      [
        'nobody declared',
        asking(({ update: g, owner, site }) => ({ update: site.evaluate('x', owner, { want: 'gradient', shift: g }) }), false),
        "'odd.x' was not declared: add needs: [{ what: 'gradient', evaluated: 'shifted' }] to its stage",
      ],
      [
        'twice by one name',
        asking(({ owner, site }) => ({
          update: site.evaluate('x', owner, { want: 'gradient' }).add(site.evaluate('x', owner, { want: 'gradient' })),
        })),
        "'odd.x' was asked twice about 'w' in one step",
      ],
      [
        'a name with a dot',
        asking(({ owner, site }) => ({ update: site.evaluate('x.y', owner, { want: 'gradient' }) })),
        "the name of a question must be a text without '.' and ':', received 'x.y'",
      ],
    ])('%s', async (_, transform, said) => {
      await withOptimizer(on(transform), async (optimizer) => {
        const failure = await failureOf(() => optimizer.step(objectiveOf(optimizer, model)));
        expect(failure).toBeInstanceOf(TransformError);
        expect(String(failure)).toContain(said);
      });
    });
  });
}
