import { reference } from '@opt/backend-reference';
import { createOptimizer, explain, type Narrowed, OptionTypeError, type Rule, type Shape } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { input } from './contract/harness.ts';

const explained = (rule: Rule, shapes: Readonly<Record<string, Shape>>, stateDtype?: Narrowed) =>
  explain(rule, shapes, 3, false, 'f32', 1, undefined, stateDtype);
const perceptron = { w1: [784, 512], b1: [512], w2: [512, 512], b2: [512], w3: [512, 10], b3: [10] };

describe('bytes of state', () => {
  it.each([
    ['f32', undefined, 8],
    ['bf16', 'bf16', 4],
    ['f16', 'f16', 4.05],
    ['int8', 'int8', 2.05],
  ] as const)('AdamW in %s', (_, stateDtype, most) => {
    const { stateBytes, parameterCount } = explained(adamw(), { w: [1000, 1000] }, stateDtype);
    expect(stateBytes / parameterCount).toBeLessThanOrEqual(most);
    expect(stateBytes / parameterCount).toBeGreaterThan(most - 0.06);
  });

  it('SOAP with normalize-EMA, all of it in bytes but the bases: no more than 1.2 times AdamW', () => {
    const bytes: Narrowed = { vector: 'int8', diagonal: 'int8', symmetric: 'int8', matrix: 'bf16' };
    const adam = explained(adamw(), perceptron).stateBytes;
    expect(explained(normalizeEma({ base: soap() }), perceptron, bytes).stateBytes).toBeLessThan(1.2 * adam);
  });

  it('a symmetric slot holds one of its halves', () => {
    const [full, half] = [explained(soap(), { w: [64, 64] }), explained(soap(), { w: [64, 64] }, { symmetric: 'bf16' })];
    expect(full.stateBytes - half.stateBytes).toBe(2 * (4 * 64 * 64 - (2 * 64 * 65) / 2));
  });
});

it.each([
  ['adamw in bf16', adamw(), 'bf16'],
  ['adamw in f16', adamw(), 'f16'],
  ['adamw in int8', adamw(), 'int8'],
  ['soap in bf16', soap(), 'bf16'],
  ['soap in int8', soap(), 'int8'],
] as const)('%s is proved to be finite like f32: its steps look at nothing', (_, rule, stateDtype) => {
  const looks = (given?: Narrowed): boolean[] =>
    explained(rule, { w: [24, 20] }, given)
      .programs.filter(({ name }) => name !== 'check')
      .map(({ program }) => program.nodes.some(({ operation }) => operation.op === 'isFinite'));
  expect(looks(stateDtype)).toEqual(looks());
});

it('a packed matrix comes back as it was', async () => {
  const model = { even: input([6, 6], 1), odd: input([7, 7], 2) };
  const make = (stateDtype?: Narrowed) =>
    createOptimizer({
      transform: soap({ preconditionFrequency: 1 }),
      parameters: model,
      backend: reference({ precision: 'f32' }),
      ...(stateDtype && { stateDtype }),
    });
  const [plain, packed] = [make(), make({ symmetric: 'bf16' })];
  for (const optimizer of [plain, packed]) optimizer.step({ even: model.even.data, odd: model.odd.data });
  for (const key of Object.keys(plain.state).filter((name) => /\.A\d:/.test(name))) {
    const [x, y] = [Array.from(plain.state[key] ?? []), Array.from(packed.state[key] ?? [])];
    const n = Math.sqrt(x.length);
    expect(y.length).toBe(x.length);
    x.forEach((value, i) => {
      expect(Math.abs((y[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(2 ** -7 * Math.abs(value));
      expect(y[i]).toBe(y[(i % n) * n + Math.floor(i / n)]);
    });
  }
});

it.each([
  ['half', 'createOptimizer: stateDtype must be '],
  [8, 'createOptimizer: stateDtype must be one of bf16, f16, int8 or an object such as'],
  [{ moments: 'bf16' }, "createOptimizer: stateDtype: unknown option 'moments'"],
  [{ vector: 'f8' }, 'createOptimizer: stateDtype: vector must be'],
] as const)('stateDtype %j is refused', (stateDtype, text) => {
  const options = { transform: adamw(), parameters: { w: { shape: [1], data: [1] } }, backend: reference(), stateDtype };
  // Given as JavaScript may give it.
  const make = (): unknown => Reflect.apply(createOptimizer, undefined, [options]);
  expect(make).toThrow(text);
  expect(make).toThrow(OptionTypeError);
});
