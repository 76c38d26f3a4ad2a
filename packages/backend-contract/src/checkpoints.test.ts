import { reference } from '@opt/backend-reference';
import { CheckpointError, chain, concatenated, named, partition, perTensor, rule, type Transform, weightEma } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { adamw, descend, ema, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame, input } from './contract/harness.ts';
import { type Model, oddModel, optimizerOn, snapshot, train, withOptimizer } from './contract/models.ts';
import { failureOf } from './contract/optimizers.ts';
import { feed, reversed, testReordering } from './contract/reordering.ts';
import { subjects } from './subjects.ts';
import { awaited, remote, submitting } from './testing/modes.ts';
import { transforms } from './transforms.ts';

const on = (transform: Transform, model: Model = oddModel) => optimizerOn(reference(), transform, model);

const savedBy = (transform: Transform, model: Model = oddModel): Promise<Uint8Array> =>
  withOptimizer(on(transform, model), async (optimizer) => {
    await train(optimizer, model, 0, 5);
    return optimizer.save();
  });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

testReordering(subjects(transforms));

describe('state is kept by name', () => {
  it('joined state in a partition follows its parameters too, or is refused', async () => {
    const make = () => partition({ joined: lmAdagrad(), rest: sgd() }, (_, shape) => (shape.length === 2 ? 'joined' : 'rest'));
    await withOptimizer(on(make()), async (through) => {
      await feed(through, 0, 5);
      const file = await through.save();
      await feed(through, 5, 9);
      await withOptimizer(on(make(), reversed(oddModel)), async (reordered) => {
        const refused = await failureOf(() => reordered.load(file));
        if (refused !== undefined) return expect(refused).toBeInstanceOf(CheckpointError);
        await feed(reordered, 5, 9);
        const [actual, expected] = [await snapshot(reordered), await snapshot(through)];
        for (const name of Object.keys(oddModel))
          expected[name]?.forEach((x, i) => {
            expect(Math.abs(x - (actual[name]?.[i] ?? Number.NaN)), `${name}[${i}]`).toBeLessThanOrEqual(1e-10);
          });
      });
    });
  });

  it('joined state of other parameters is refused', async () => {
    const transform = rule(concatenated(ema()), descend());
    const [first, second] = [
      { a: input([2], 1), b: input([2], 2), c: input([2], 3) },
      { a: input([2], 1), b: input([2], 2) },
    ];
    const file = await savedBy(transform, first);
    await withOptimizer(on(transform, second), async (optimizer) => {
      const before = await snapshot(optimizer);
      expect(messageOf(await failureOf(() => optimizer.load(file)))).toContain("load: the file holds 'parameter:c', nothing here does");
      const after = await snapshot(optimizer);
      for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
    });
  });

  it('a wrapper switched on or off keeps every other key', async () => {
    const [plain, averaged] = [await savedBy(adamw()), await savedBy(adamw({ useEma: true }))];
    await withOptimizer(on(adamw({ useEma: true })), async (optimizer) => {
      const averages = Object.keys(oddModel).map((name) => `weight-ema.average:${name}`);
      const { missing, surplus, fresh } = await optimizer.load(plain, { state: 'matching' });
      expect([missing, surplus, fresh]).toEqual([averages, [], averages]);
      await withOptimizer(on(adamw()), async (without) => {
        expect((await without.load(averaged, { state: 'matching' })).surplus).toEqual(averages);
        await feed(without, 5, 8);
        await feed(optimizer, 5, 8);
        const [one, other] = [await snapshot(without), await snapshot(optimizer)];
        for (const name of Object.keys(oddModel)) expectSame(name, other[name] ?? [], one[name] ?? []);
      });
    });
  });

  it('a stage that is added starts from its beginning, the others go on', async () => {
    const file = await savedBy(rule(ema(), descend()));
    await withOptimizer(on(rule(chain(ema(), named('second', ema())), descend())), async (optimizer) => {
      const { missing } = await optimizer.load(file, { state: 'matching' });
      expect(missing).toEqual(Object.keys(oddModel).map((name) => `second/ema.m:${name}`));
      await withOptimizer(on(rule(ema(), descend())), async (saved) => {
        await saved.load(file);
        expectSame('ema.m:square', (await snapshot(optimizer))['ema.m:square'] ?? [], (await snapshot(saved))['ema.m:square'] ?? []);
      });
    });
  });

  it('slots that are absent from the file start anew, whatever they held', async () => {
    const file = await savedBy(sgd());
    await withOptimizer(on(sgd({ momentum: 0.9 })), async (optimizer) => {
      await feed(optimizer, 0, 3);
      await optimizer.load(file, { state: 'matching' });
      const { 'sgd.b:square': b = new Float64Array(0) } = await snapshot(optimizer);
      expect(Array.from(b)).toEqual(Array(16).fill(0));
    });
  });
});

describe('what a checkpoint holds', () => {
  it.each([
    ['at once', reference()],
    ['awaited', remote(reference())],
    ['awaited, readable', awaited(reference())],
    ['not to be read', submitting(reference())],
  ] as const)('comes whole or in pieces, of the moment of the call: %s', async (_, backend) => {
    await withOptimizer(optimizerOn(backend, adamw(), oddModel), async (optimizer) => {
      await train(optimizer, oddModel, 0, 2);
      const pieces: Uint8Array[] = [];
      const [whole, poured] = [optimizer.save(), optimizer.saveTo((piece) => void pieces.push(piece.slice()))];
      await train(optimizer, oddModel, 2, 3);
      const file = await whole;
      await poured;
      expect(pieces.flatMap((piece) => [...piece])).toEqual([...file]);
      await optimizer.load(file);
      expect(await optimizer.save()).toEqual(file);
    });
  });

  it('precision as it is on the backend: f32, f64, and f64 for wide state', async () => {
    const dtypes = async (precision: 'f32' | 'f64'): Promise<Record<string, string>> => {
      const model = { w: input([3], 1) };
      return withOptimizer(optimizerOn(reference({ precision }), lmAdagrad(), model), async (optimizer) => {
        const file = await optimizer.save();
        const text = new TextDecoder().decode(file.subarray(8, 8 + new DataView(file.buffer).getUint32(0, true)));
        const parsed: Record<string, { dtype: string }> = JSON.parse(text);
        return Object.fromEntries(
          Object.entries(parsed).flatMap(([key, { dtype }]) => (/^(__metadata__|checksum)$/.test(key) ? [] : [[key, dtype]])),
        );
      });
    };
    expect(await dtypes('f32')).toEqual({ 'parameter:w': 'F32', 'lm-adagrad.history:*': 'F32', 'lm-adagrad.K:*': 'F64' });
    expect(await dtypes('f64')).toEqual({ 'parameter:w': 'F64', 'lm-adagrad.history:*': 'F64', 'lm-adagrad.K:*': 'F64' });
  });

  it('hyperparameters that were changed, unless they are schedules', async () => {
    const make = () => adamw({ learningRate: (step) => 0.1 / (1 + step), weightDecay: 0 });
    await withOptimizer(on(make()), async (through) => {
      await feed(through, 0, 3);
      through.set('weightDecay', 0.5);
      const file = await through.save();
      await feed(through, 3, 6);
      await withOptimizer(on(make()), async (resumed) => {
        await resumed.load(file);
        await feed(resumed, 3, 6);
        const [actual, expected] = [await snapshot(resumed), await snapshot(through)];
        for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
      });
    });
  });

  it('the seed and the number of the call: draws go on where they were', async () => {
    const noisy = () =>
      perTensor({
        name: 'noisy',
        apply: ({ parameter: p, owner, site }) => ({ parameter: p.add(site.draw('noise', owner, 'normal', p.shape)) }),
      });
    await withOptimizer(optimizerOn(reference(), noisy(), oddModel, 11), async (through) => {
      await feed(through, 0, 3);
      const file = await through.save();
      await feed(through, 3, 5);
      await withOptimizer(optimizerOn(reference(), noisy(), oddModel, 99), async (resumed) => {
        await resumed.load(file);
        await feed(resumed, 3, 5);
        const [actual, expected] = [await snapshot(resumed), await snapshot(through)];
        for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
      });
    });
  });

  it('weightEma resumes its average in the middle of a window', async () => {
    const make = () => weightEma({ emaMomentum: 0.5, emaOverwriteFrequency: 4 }, sgd());
    await withOptimizer(on(make()), async (through) => {
      await feed(through, 0, 6);
      const file = await through.save();
      await feed(through, 6, 9);
      await through.finalize();
      await withOptimizer(on(make()), async (resumed) => {
        await resumed.load(file);
        await feed(resumed, 6, 9);
        await resumed.finalize();
        const [actual, expected] = [await snapshot(resumed), await snapshot(through)];
        for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
      });
    });
  });
});
