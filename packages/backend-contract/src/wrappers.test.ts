import { reference } from '@opt/backend-reference';
import {
  accumulate,
  chain,
  linear,
  named,
  partition,
  perTensor,
  type Rule,
  rule,
  skipNonFinite,
  type Transform,
  TransformError,
  weightEma,
  wrapRule,
} from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, descend, general, generalOptions, lion, momentum, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame, input } from './contract/harness.ts';
import { type AnyOptimizer, type Model, optimizerOn, snapshot, withOptimizer } from './contract/models.ts';
import { wrappers } from './subjects.ts';

const model: Model = { a: { shape: [2], data: [1, 2] }, b: { shape: [2], data: [3, 4] }, c: { shape: [2], data: [5, 6] } };
const on = (transform: Transform, parameters: Model = model) => optimizerOn(reference(), transform, parameters);
const valuesOf = async (optimizer: AnyOptimizer, name: string): Promise<number[]> => Array.from((await optimizer.parameters[name]) ?? []);
const plain = rule(perTensor({ name: 'nothing', apply: () => ({}) }), descend({ learningRate: 1 }));

describe('what is done once reaches through every wrapper', () => {
  const marked: Rule = rule(
    perTensor({ name: 'mark', once: (moment, p) => (moment === 'construct' ? p.mul(10) : p.add(0.5)), apply: () => ({}) }),
    descend({ learningRate: 0 }),
  );
  const all = [
    ...wrappers,
    { name: 'guarded', wrap: (inner: Rule) => skipNonFinite(inner) },
    { name: 'a rule', wrap: (inner: Rule) => wrapRule(inner, (x) => chain(x)) },
    { name: 'nested', wrap: (inner: Rule) => accumulate(2, skipNonFinite(weightEma({}, named('x', chain(inner))))) },
  ];

  it.each(all.map(({ name, wrap }) => [name, wrap] as const))('%s', async (_, wrap) => {
    await withOptimizer(on(wrap(marked)), async (optimizer) => {
      expect(await valuesOf(optimizer, 'a')).toEqual([10, 20]);
      await optimizer.finalize();
      expect(await valuesOf(optimizer, 'b')).toEqual([30.5, 40.5]);
    });
  });
});

describe('accumulate', () => {
  it('hands on the mean of n calls; a parameter without gradient in some of them is divided by n all the same', async () => {
    await withOptimizer(on(accumulate(3, plain)), async (optimizer) => {
      await optimizer.step({ a: [3, 0], b: [9, 9] });
      await optimizer.step({ a: [0, 3] });
      expect(await valuesOf(optimizer, 'a')).toEqual([1, 2]);
      await optimizer.step({ a: [3, 3] });
      // a: mean [2, 2]; b: [3, 3]; c had none.
      expect(await valuesOf(optimizer, 'a')).toEqual([-1, 0]);
      expect(await valuesOf(optimizer, 'b')).toEqual([0, 1]);
      expect(await valuesOf(optimizer, 'c')).toEqual([5, 6]);
      // The next window begins at 0.
      for (let call = 0; call < 3; call++) await optimizer.step({ b: [1, 1], c: call === 2 ? [6, 6] : null });
      expect(await valuesOf(optimizer, 'a')).toEqual([-1, 0]);
      expect(await valuesOf(optimizer, 'b')).toEqual([-1, 0]);
      expect(await valuesOf(optimizer, 'c')).toEqual([3, 4]);
    });
  });

  it('counts for the stages inside only when it closes; their schedules see applied steps', async () => {
    const rates: number[] = [];
    const scheduled = rule(
      perTensor({ name: 'one', apply: ({ update }) => ({ update: update.mul(0).add(1) }) }),
      descend({
        learningRate: (step) => {
          rates.push(step);
          return 1;
        },
      }),
    );
    await withOptimizer(on(accumulate(2, scheduled)), async (optimizer) => {
      for (let call = 0; call < 7; call++) await optimizer.step({ a: [1, 1] });
      expect(await valuesOf(optimizer, 'a')).toEqual([-2, -1]);
    });
    expect(rates).toEqual([0, 1, 2]);
  });

  it('compiles one program to collect and those of what it holds', async () => {
    await withOptimizer(on(adamw({ gradientAccumulationSteps: 4, nonFinite: 'skip' })), async (optimizer) => {
      for (let call = 0; call < 40; call++) await optimizer.step({ a: [1, 2], b: [1, call], c: [3, 4] });
      // Collect, first of a window, the check and the closing step.
      expect(optimizer.programs).toBeLessThanOrEqual(4);
    });
  });

  it.each([0, 1, 2.5, Number.NaN])('refuses a window of %d', (n) => {
    expect(() => accumulate(n, plain)).toThrow(`accumulate: gradientAccumulationSteps must be an integer >= 2, received ${n}`);
  });
});

describe('weightEma', () => {
  const ema = (emaOverwriteFrequency: number | null) => weightEma({ emaMomentum: 0.5, emaOverwriteFrequency }, plain);

  it('a ← p first, then μa + (1−μ)p; finalize takes the average, twice the same', async () => {
    await withOptimizer(on(ema(null)), async (optimizer) => {
      for (const g of [1, 2, 4]) await optimizer.step({ a: [g, 0] });
      // p: 0, −2, −6; a: 0, −1, −3.5.
      expect(await valuesOf(optimizer, 'a')).toEqual([-6, 2]);
      expect(Array.from((await optimizer.state['weight-ema.average:a']) ?? [])).toEqual([-3.5, 2]);
      await optimizer.finalize();
      expect(await valuesOf(optimizer, 'a')).toEqual([-3.5, 2]);
      await optimizer.finalize();
      expect(await valuesOf(optimizer, 'a')).toEqual([-3.5, 2]);
      // Never stepped: there is no average to take.
      expect(await valuesOf(optimizer, 'b')).toEqual([3, 4]);
    });
  });

  it('overwrites the weights every so many applied steps', async () => {
    await withOptimizer(on(ema(2)), async (optimizer) => {
      const seen: (number | undefined)[] = [];
      for (let step = 0; step < 4; step++) {
        await optimizer.step({ a: [1, 0] });
        seen.push((await valuesOf(optimizer, 'a'))[0]);
      }
      // p: 0 · −1 → a = ½(0−1) · −1.5, a = −1 · −2.5 → a = −1.75.
      expect(seen).toEqual([0, -0.5, -1.5, -1.75]);
    });
  });

  it('a call without a gradient for a parameter leaves its average alone', async () => {
    await withOptimizer(on(ema(null)), async (optimizer) => {
      await optimizer.step({ a: [1, 1], b: [1, 1] });
      await optimizer.step({ b: [1, 1] });
      expect(Array.from((await optimizer.state['weight-ema.average:a']) ?? [])).toEqual([0, 1]);
      await optimizer.step({ a: [1, 1] });
      expect(Array.from((await optimizer.state['weight-ema.average:a']) ?? [])).toEqual([-0.5, 0.5]);
    });
  });

  it("SOAP's first call counts as applied", async () => {
    await withOptimizer(
      on(soap({ useEma: true, emaMomentum: 0.5, learningRate: 1, weightDecay: 0 }), { a: input([2, 2], 1) }),
      async (optimizer) => {
        await optimizer.step({ a: [1, 0, 0, 1] });
        expect(Array.from((await optimizer.state['weight-ema.average:a']) ?? [])).toEqual([...input([2, 2], 1).data]);
      },
    );
  });
});

describe('partition', () => {
  const byName = partition({ fast: sgd({ learningRate: 1 }), slow: sgd({ learningRate: 0.1 }) }, (name) =>
    name === 'a' ? 'fast' : 'slow',
  );

  it('gives every parameter to exactly one rule', async () => {
    await withOptimizer(on(byName), async (optimizer) => {
      await optimizer.step({ a: [1, 1], b: [1, 1], c: [1, 1] });
      expect(await valuesOf(optimizer, 'a')).toEqual([0, 1]);
      expect(await valuesOf(optimizer, 'b')).toEqual([2.9, 3.9]);
    });
  });

  it('refuses a route to nowhere, naming the parameter', async () => {
    const lost: Record<string, Transform> = { fast: sgd() };
    await expect((async () => on(partition(lost, (name) => `to-${name}`)))()).rejects.toThrow(
      "partition: parameter 'a' must go to one of fast, received 'to-a'",
    );
  });

  it('labels tell hyperparameters of one name apart', async () => {
    await withOptimizer(on(byName), async (optimizer) => {
      expect(() => optimizer.set('learningRate', 1)).toThrow(TransformError);
      expect(() => optimizer.set('learningRate', 1)).toThrow(
        /'learningRate' is ambiguous, known are .*fast.*learningRate.*slow.*learningRate/,
      );
      expect(() => optimizer.set('slow/rate', 1)).toThrow("'slow/rate' is no hyperparameter");
      optimizer.set('slow/learningRate', 2);
      await optimizer.step({ a: [1, 1], b: [1, 1] });
      expect(await valuesOf(optimizer, 'a')).toEqual([0, 1]);
      expect(await valuesOf(optimizer, 'b')).toEqual([1, 2]);
    });
  });

  it('a part without parameters does nothing', async () => {
    await withOptimizer(on(partition({ all: sgd({ learningRate: 1 }), none: soap() }, () => 'all')), async (optimizer) => {
      await optimizer.step({ a: [1, 1] });
      expect(await valuesOf(optimizer, 'a')).toEqual([0, 1]);
      expect(Object.keys(optimizer.state)).toEqual([]);
    });
  });
});

describe('chain, named and rule', () => {
  it('two stages of one name are refused, wherever they meet', async () => {
    expect(() => chain(momentum(), momentum())).toThrow(
      "chain: two stages are called 'momentum'; give one a name of its own with named('…', stage)",
    );
    await expect((async () => on(rule(chain(chain(momentum()), momentum()), descend())))()).rejects.toThrow(
      "two stages declare the slot 'momentum.b:a'",
    );
    await withOptimizer(on(rule(chain(momentum(), named('again', momentum())), descend())), async (optimizer) => {
      expect(Object.keys(optimizer.state)).toContain('again/momentum.b:a');
    });
  });

  it.each(['', 'Upper', 'a/b', 'a.b', 'a:b'])("named refuses '%s'", (name) => {
    expect(() => named(name, momentum())).toThrow(`named: a name consists of a-z, 0-9 and -, received '${name}'`);
  });

  it('a direction alone moves nothing, which is an error', async () => {
    await withOptimizer(on(momentum()), async (optimizer) => {
      expect(() => optimizer.step({ a: [1, 1] })).toThrow(TransformError);
    });
  });

  it('mapDirection keeps every general stage outside', async () => {
    const base = adamw({ clipnorm: 1, useEma: true, gradientAccumulationSteps: 2 });
    await withOptimizer(on(normalizeEma({ base })), async (optimizer) => {
      const keys = Object.keys(optimizer.state).filter((key) => key.endsWith(':a'));
      expect(keys.sort()).toEqual(
        [
          'accumulate.sum:a',
          'adamw.m:a',
          'adamw.v:a',
          'normalize-ema.average:a',
          'normalize-ema.previous:a',
          'weight-ema.average:a',
        ].sort(),
      );
    });
  });

  it('one transform object serves two optimizers', async () => {
    const shared = adamw({ learningRate: 0.1 });
    await withOptimizer(on(shared), async (first) => {
      await withOptimizer(on(shared), async (second) => {
        for (let step = 0; step < 3; step++) await first.step({ a: [1, 2] });
        first.set('learningRate', 5);
        await second.step({ a: [1, 2] });
        await withOptimizer(on(adamw({ learningRate: 0.1 })), async (alone) => {
          await alone.step({ a: [1, 2] });
          expectSame('a', await valuesOf(second, 'a'), await valuesOf(alone, 'a'));
        });
      });
    });
  });
});

describe('the stages of every optimizer, in their order', () => {
  it('accumulate, then the check, then unscale and clip, then the rule, then the average', async () => {
    const make = generalOptions('test');
    const resolved = {
      clipnorm: null,
      clipvalue: make.clipvalue(1, 'test', 'clipvalue'),
      globalClipnorm: null,
      useEma: false,
      emaMomentum: make.emaMomentum(0.5, 'test', 'emaMomentum'),
      emaOverwriteFrequency: null,
      lossScaleFactor: make.lossScaleFactor(2, 'test', 'lossScaleFactor'),
      gradientAccumulationSteps: 2,
      nonFinite: 'skip',
      name: 'test',
    } as const;
    await withOptimizer(on(general(resolved, plain)), async (optimizer) => {
      await optimizer.step({ a: [10, 1] });
      await optimizer.step({ a: [10, 1] });
      // Mean 10 and 1, unscaled 5 and ½, clipped 1 and ½.
      expect(await valuesOf(optimizer, 'a')).toEqual([0, 1.5]);
    });
  });

  it('learning rate and decay are one hyperparameter each, wherever they are used', async () => {
    await withOptimizer(
      on(soap({ inner: lion(), learningRate: linear({ from: 1, to: 0, steps: 10 }), weightDecay: 0.5 })),
      async (optimizer) => {
        optimizer.set('learningRate', 0);
        for (let step = 0; step < 3; step++) await optimizer.step({ a: [1, 1] });
        expect(await valuesOf(optimizer, 'a')).toEqual([1, 2]);
      },
    );
  });

  it('β₂ of SOAP is that of its covariances too, while it changes', async () => {
    const shapes: Model = { a: input([2, 2], 1) };
    const covariance = (options: Parameters<typeof soap>[0]) =>
      withOptimizer(on(soap(options), shapes), async (optimizer) => {
        await optimizer.step({ a: [1, 2, 3, 4] });
        optimizer.set('beta2', 0.5);
        await optimizer.step({ a: [1, 0, 0, 1] });
        return (await snapshot(optimizer))['soap.A0:a'] ?? new Float64Array(0);
      });
    // A = ½·(1−β)·GGᵀ + ½·I with the first β.
    const first = (beta: number): number[] => [5, 11, 11, 25].map((x, i) => 0.5 * (1 - beta) * x + (i % 3 === 0 ? 0.5 : 0));
    const [together, apart] = [await covariance({ beta2: 0.9 }), await covariance({ beta2: 0.9, shampooBeta: 0.9 })];
    first(0.9).forEach((x, i) => {
      expect(together[i]).toBeCloseTo(x, 12);
    });
    [5, 11, 11, 25].forEach((x, i) => {
      expect(apart[i]).toBeCloseTo(0.9 * 0.1 * x + (i % 3 === 0 ? 0.1 : 0), 12);
    });
  });
});
