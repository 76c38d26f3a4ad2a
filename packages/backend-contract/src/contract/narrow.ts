import { reference } from '@opt/backend-reference';
import {
  CheckpointError,
  createOptimizer,
  type Narrowed,
  OptionRangeError,
  perTensor,
  rule,
  type StateDtype,
  scalar,
  type Transform,
} from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, descend, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import type { AnyBackend } from '../families/family.ts';
import { wrappers } from '../subjects.ts';
import { expectSame, type Harness, input } from './harness.ts';
import { type AnyOptimizer, everythingFitted, gradientsAt, type Model, snapshot, train, withOptimizer } from './models.ts';

/** Blocks that are whole, a tail, less than a block, an odd length, a scalar. */
const model: Model = {
  whole: input([24, 20], 1),
  tail: input([33, 9], 2),
  odd: input([7], 3),
  scalar: input([], 4),
};

const dtypes: readonly StateDtype[] = ['bf16', 'f16', 'int8'];

/** How far a number can be from what is decoded, in a block whose largest is `most`. */
function apart(dtype: StateDtype, nonNegative: boolean, x: number, most: number): number {
  const size = Math.abs(x);
  if (dtype === 'bf16') return 2 ** -7 * size;
  if (dtype === 'f16') return Math.max(2 ** -10 * size, 2 ** -39 * most);
  const decade = Math.max(-7, Math.floor(Math.log10(size / most)));
  // 0.9 of a decade in 2^e codes, e = 6 or 7 for the largest; across its end, to the middle of the first code of the next.
  return (3.1 * 0.9 * 10 ** (decade + 1) * most) / 2 ** Math.max(0, (nonNegative ? 8 : 7) + decade);
}

/** Writes the gradient to a slot, as it came. */
const keeping = (dtype: StateDtype, kind: 'vector' | 'diagonal'): Transform =>
  rule(
    perTensor({
      name: 'keep',
      state: ({ shape }) => ({ x: { shape, kind, dtype, ...(kind === 'diagonal' && { nonNegative: true }) } }),
      apply: ({ update }) => ({ update: update.mul(scalar(0)), state: { x: update } }),
    }),
    descend({ learningRate: 1 }),
  );

const mixed: Narrowed = { vector: 'int8', diagonal: 'int8', symmetric: 'int8', matrix: 'bf16', invariant: 'f16' };

const rules: readonly (readonly [string, () => ReturnType<typeof adamw>, Narrowed])[] = [
  ['adamw in bf16', () => adamw({ learningRate: 0.02 }), 'bf16'],
  ['adamw in f16', () => adamw({ learningRate: 0.02 }), 'f16'],
  ['adamw in int8', () => adamw({ learningRate: 0.02 }), 'int8'],
  ['soap by kind', () => soap({ learningRate: 0.02, preconditionFrequency: 2 }), mixed],
];

/** State in fewer bits, where a backend has it; else that it says so. */
export function testNarrow(harness: Harness): void {
  const made = async (
    backend: AnyBackend,
    transform: Transform,
    stateDtype: Narrowed | undefined,
    given: Model = model,
  ): Promise<AnyOptimizer> => createOptimizer({ transform, parameters: given, backend, ...(stateDtype !== undefined && { stateDtype }) });
  const on = (transform: Transform, stateDtype?: Narrowed, given?: Model): Promise<AnyOptimizer> =>
    made(harness.backend, transform, stateDtype, given);
  const without = (): boolean => (harness.backend.narrow ?? []).length === 0;
  const test = (name: string, run: () => Promise<void>): void =>
    // Which backend it is, is known only when a test runs.
    it(name, async () => {
      if (!without()) await run();
    });

  const same = (actual: Readonly<Record<string, Float64Array>>, expected: Readonly<Record<string, Float64Array>>): void => {
    for (const [key, values] of Object.entries(expected)) expectSame(key, actual[key] ?? [], values);
  };

  describe('narrow state', () => {
    it('is refused by name where the backend has no codes', async () => {
      if (!without()) return;
      const error = await Promise.resolve()
        .then(() => on(adamw(), 'bf16'))
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OptionRangeError);
      expect(String(error)).toContain(`stateDtype must be one that backend '${harness.backend.name}' can hold (none), received bf16`);
    });

    test('is rounded by the same bits as in the reference, to a neighbour', async () => {
      for (const dtype of dtypes)
        for (const kind of ['vector', 'diagonal'] as const) {
          const values = input([3, 80], 9, (x) => Math.fround(kind === 'diagonal' ? x ** 6 : x ** 3)).data;
          const most = Math.max(...Array.from(values, Math.abs));
          const twin = reference({ precision: harness.backend.precision });
          const given = { w: { shape: [3, 80], data: values.map(() => 0) } };
          const [here, there] = [
            await on(keeping(dtype, kind), undefined, given),
            await made(twin, keeping(dtype, kind), undefined, given),
          ];
          let differing = 0;
          for (let step = 0; step < 3; step++) {
            await here.step({ w: values });
            await there.step({ w: values });
            const [mine, theirs] = [Array.from((await here.state['keep.x:w']) ?? []), Array.from((await there.state['keep.x:w']) ?? [])];
            mine.forEach((x, i) => {
              const value = values[i] ?? Number.NaN;
              if (!(Math.abs(x - value) <= apart(dtype, kind === 'diagonal', value, most)))
                expect.fail(`${dtype} ${kind}: ${value} became ${x}`);
              if (x !== theirs[i]) differing++;
            });
          }
          // Where the last bit of a product decides, an engine may have another.
          expect(differing).toBeLessThanOrEqual(dtype === 'bf16' ? 0 : 8);
          for (const optimizer of [here, there]) optimizer.dispose();
        }
    });

    test('is rounded without bias, anew in every step', async () => {
      for (const dtype of dtypes)
        await withOptimizer(
          on(keeping(dtype, 'vector'), undefined, { w: { shape: [256], data: new Array<number>(256).fill(0) } }),
          async (optimizer) => {
            const values = Array.from({ length: 256 }, (_, i) => (i === 0 ? 1 : 0.37 + i / 4096));
            const sums = values.map(() => 0);
            const rounds = 64;
            const seen = new Set<string>();
            for (let step = 0; step < rounds; step++) {
              await optimizer.step({ w: values });
              const state = Array.from((await optimizer.state['keep.x:w']) ?? []);
              state.forEach((x, i) => {
                sums[i] = (sums[i] ?? 0) + x / rounds;
              });
              seen.add(state.join());
            }
            expect(seen.size).toBe(rounds);
            // 255 means of 64 roundings each: their errors are ±½ of what two codes are apart at most, divided by 8.
            const gap = { bf16: 2 ** -9, f16: 2 ** -12, int8: 0.9 / 64 }[dtype];
            const errors = values.slice(1).map((value, i) => ((sums[i + 1] ?? 0) - value) / gap);
            expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.35);
            expect(Math.abs(errors.reduce((sum, error) => sum + error, 0) / errors.length)).toBeLessThan(0.02);
          },
        );
    });

    test('keeps a second moment above 0 where the first one is not 0', async () => {
      const values = Array.from({ length: 512 }, (_, i) => 10 ** -(i % 16));
      for (const dtype of dtypes)
        await withOptimizer(on(adamw(), dtype, { w: { shape: [512], data: values } }), async (optimizer) => {
          for (let step = 0; step < 4; step++) await optimizer.step({ w: values });
          const at = async (slot: string): Promise<number[]> =>
            Array.from((await optimizer.state[Object.keys(optimizer.state).find((key) => key.endsWith(slot)) ?? '']) ?? []);
          const [m, v] = [await at('.m:w'), await at('.v:w')];
          expect(m.filter((x) => x !== 0).length).toBeGreaterThan(200);
          m.forEach((x, i) => {
            if (x !== 0 && !((v[i] ?? 0) > 0)) expect.fail(`${dtype}: m is ${x} where v is ${v[i]}`);
          });
        });
    });

    test('goes on bit for bit after save and load, in every wrapper', async () => {
      for (const [label, make, stateDtype] of rules)
        for (const wrapper of wrappers.filter(({ name }) => label.startsWith('soap') || name === 'alone' || name === 'averaged')) {
          const whole = (): Promise<AnyOptimizer> => on(wrapper.wrap(make()), stateDtype);
          const [first, second] = [await whole(), await whole()];
          await train(first, model, 0, 4);
          expect(await second.load(await first.save())).toEqual(everythingFitted);
          same(await snapshot(second), await snapshot(first));
          await train(first, model, 4, 7);
          await train(second, model, 4, 7);
          same(await snapshot(second), await snapshot(first));
          for (const optimizer of [first, second]) optimizer.dispose();
        }
    });

    test('stays near what it is in working precision', async () => {
      for (const [label, make, stateDtype] of rules) {
        const [narrow, full] = [await on(make(), stateDtype), await on(make())];
        expect(narrow.stateBytes).toBeLessThan(0.7 * full.stateBytes);
        for (const optimizer of [narrow, full]) await train(optimizer, model, 0, 8);
        const [moved, wanted] = [await narrow.parameters['whole'], await full.parameters['whole']];
        const start = model['whole']?.data ?? [];
        const length = (x: (i: number) => number): number => Math.sqrt(start.reduce((sum, _, i) => sum + x(i) ** 2, 0));
        const error = length((i) => (moved?.[i] ?? Number.NaN) - (wanted?.[i] ?? 0)) / length((i) => (wanted?.[i] ?? 0) - (start[i] ?? 0));
        if (!(error < (label.includes('soap') ? 0.5 : 0.08))) expect.fail(`${label}: ${error} of the way away`);
        for (const optimizer of [narrow, full]) optimizer.dispose();
      }
    });

    test('is what it was when a step is dropped', async () => {
      for (const [, make, stateDtype] of rules)
        await withOptimizer(on(make(), stateDtype), async (optimizer) => {
          await train(optimizer, model, 0, 3);
          const before = await snapshot(optimizer);
          await optimizer.step({ ...gradientsAt(model, 3), tail: new Array<number>(297).fill(Number.NaN) });
          same(await snapshot(optimizer), before);
        });
    });

    test('of another type is refused by name, or converted', async () => {
      const [narrow, full] = [await on(sgd({ momentum: 0.9 }), 'int8'), await on(sgd({ momentum: 0.9 }))];
      await train(full, model, 0, 3);
      const file = await full.save();
      await expect(Promise.resolve().then(() => narrow.load(file))).rejects.toThrow(CheckpointError);
      await expect(Promise.resolve().then(() => narrow.load(file))).rejects.toThrow(
        /:whole' is vector int8 \[2, 240\] here, vector working \[24, 20\] in the file/,
      );
      const report = await narrow.load(file, { stateDtype: 'convert' });
      expect(report.converted.map((key) => key.slice(key.indexOf(':')))).toEqual([':whole', ':tail', ':odd']);
      const tail = Object.keys(full.state).find((key) => key.endsWith(':tail')) ?? '';
      expect(report.fresh).toEqual([]);
      const [mine, theirs] = [await narrow.state[tail], await full.state[tail]];
      const most = Math.max(...Array.from(theirs ?? [], Math.abs));
      theirs?.forEach((x, i) => {
        expect(Math.abs((mine?.[i] ?? Number.NaN) - x)).toBeLessThanOrEqual(apart('int8', false, x, most));
      });
      await full.load(await narrow.save(), { stateDtype: 'convert' });
      expect(Array.from((await full.state[tail]) ?? [])).toEqual(Array.from(mine ?? []));
      for (const optimizer of [narrow, full]) optimizer.dispose();
    });
  });
}
