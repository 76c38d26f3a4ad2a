import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape, size } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { type SoapOptions, soap } from './soap.ts';
import { delays } from './spread.ts';
import { gradientAt } from './testing/matrices.ts';

const shapes: Readonly<Record<string, Shape>> = {
  embedding: [20, 6],
  ...Object.fromEntries(Array.from({ length: 10 }, (_, i): [string, Shape] => [`layer${i}.kernel`, [8, 6 + (i % 3)]])),
  bias: [6],
};
const names = Object.keys(shapes);
const optimizerOf = (options: SoapOptions, order: readonly string[] = names) => {
  const backend = reference();
  const count = { compiled: 0 };
  const compile = backend.compile.bind(backend);
  Object.assign(backend, {
    compile: (...given: Parameters<typeof compile>) => {
      count.compiled++;
      return compile(...given);
    },
  });
  const parameters = Object.fromEntries(
    order.map((name) => [name, { shape: shapes[name] ?? [], data: gradientAt(90 + names.indexOf(name), size(shapes[name] ?? [])) }]),
  );
  return { count, optimizer: createOptimizer({ transform: soap(options), parameters, backend }) };
};
const gradients = (step: number, of: readonly string[] = names) =>
  Object.fromEntries(of.map((name) => [name, gradientAt(step + 31 * names.indexOf(name), size(shapes[name] ?? []))]));
const axes = (shape: Shape): readonly number[] => (shape.length < 2 ? [] : shape);

describe('whose turn it is', () => {
  it('is dealt out evenly by work, whatever the order of the parameters', () => {
    const dealt = delays(shapes, 10, axes);
    expect(dealt.has('bias')).toBe(false);
    expect(new Set(dealt.values())).toEqual(new Set([0, 1, 2, 3, 5, 6, 7, 8]));
    // The dearest is alone; the others are at most two in a step.
    const at = [...dealt.values()].filter((delay) => delay === dealt.get('embedding'));
    expect(at).toHaveLength(1);
    const reversed = Object.fromEntries(Object.entries(shapes).reverse());
    expect(delays(reversed, 10, axes)).toEqual(dealt);
  });

  it('is within the period, in one step where there is one, and in eight at most', () => {
    expect([...delays(shapes, 1, axes).values()].every((delay) => delay === 0)).toBe(true);
    expect(new Set(delays(shapes, 3, axes).values())).toEqual(new Set([0, 1, 2]));
    expect(new Set(delays(shapes, 1000, axes).values())).toEqual(new Set([0, 125, 250, 375, 500, 625, 750, 875]));
  });
});

describe('refreshes that are spread', () => {
  it('come once a period for every parameter, each in its step', () => {
    const { optimizer } = optimizerOf({ spread: true });
    const dealt = delays(shapes, 10, axes);
    const basis = (name: string): string => String(optimizer.state[`soap.Q0:${name}`]);
    const before = new Map<string, string>();
    for (let call = 1; call <= 22; call++) {
      optimizer.step(gradients(call));
      for (const [name, delay] of dealt) {
        const turned = basis(name) !== before.get(name);
        expect(turned, `${name} in call ${call}`).toBe(call === 1 || (call - 1) % 10 === delay);
        before.set(name, basis(name));
      }
    }
  });

  it('make no step long: explain says which is the longest', () => {
    const longest = (spread: boolean) => optimizerOf({ spread }).optimizer.explain(100).longest?.flops ?? 0;
    const step = Math.min(
      ...optimizerOf({})
        .optimizer.explain(100)
        .programs.filter(({ name }) => name === 'step')
        .map(({ flops }) => flops),
    );
    expect(longest(false) / step).toBeGreaterThan(2);
    expect(longest(true) / step).toBeLessThan(2);
    expect(String(optimizerOf({}).optimizer.explain(100))).toMatch(/longest call after the first: 11, .*FLOP, .*B moved/);
    expect(optimizerOf({}).optimizer.explain(1).longest).toBeUndefined();
  });

  it('go on bit for bit, with parameters in another order too', () => {
    const [one, other, turned] = [names, names, [...names].reverse()].map((order) => optimizerOf({ spread: true }, order).optimizer);
    for (let step = 1; step <= 14; step++) one?.step(gradients(step));
    const file = one?.save() ?? new Uint8Array();
    other?.load(file);
    turned?.load(file);
    for (let step = 15; step <= 36; step++) for (const optimizer of [one, other, turned]) optimizer?.step(gradients(step));
    expect(other?.save()).toEqual(one?.save());
    for (const name of names) expect(turned?.parameters[name]).toEqual(one?.parameters[name]);
  });

  it('compile nothing anew without end, whichever gradients come', () => {
    const { count, optimizer } = optimizerOf({ spread: true });
    const some = (step: number): string[] => names.filter((_, i) => Math.sin(step * 3.1 + i * i * 1.7) > -0.4);
    for (let step = 1; step <= 60; step++) optimizer.step(gradients(step, some(step)));
    const { compiled } = count;
    for (let step = 61; step <= 160; step++) optimizer.step(gradients(step, some(step)));
    expect(count.compiled).toBe(compiled);
  });

  it('say what they may be', () => {
    // @ts-expect-error: a flag
    expect(() => soap({ spread: 'yes' })).toThrow("soap: spread must be true or false, received 'yes'");
  });
});
