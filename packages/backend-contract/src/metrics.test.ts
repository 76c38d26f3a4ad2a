import { reference } from '@opt/backend-reference';
import { createOptimizer, explain, type Metrics, OptionRangeError, OptionTypeError, type Scalar } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { unseen } from './testing/modes.ts';

const parameters = { w: { shape: [2], data: [3, 4] }, b: { shape: [1], data: [1] } } as const;

describe('metrics', () => {
  it('are refused by name where they cannot be meant', () => {
    const make = (metrics: object | string) => () =>
      createOptimizer({ transform: sgd(), parameters, backend: reference(), metrics: JSON.parse(JSON.stringify(metrics)) });
    const refused: [object | string, string][] = [
      ['all', "createOptimizer: metrics must be true, false or an object such as { every: 10 }, received 'all'"],
      [{ evry: 1 }, "createOptimizer: metrics: unknown option 'evry', known are norms, every; did you mean 'every'?"],
      [{ norms: [] }, "createOptimizer: metrics: norms must be a list of some of 'gradient', 'update', 'parameter', received none"],
      [
        { norms: ['gradients'] },
        "createOptimizer: metrics: norms must be a list of some of 'gradient', 'update', 'parameter', received 'gradients' at [0]; did you mean 'gradient'?",
      ],
    ];
    for (const [metrics, text] of refused) {
      expect(make(metrics)).toThrow(OptionTypeError);
      expect(make(metrics)).toThrow(text);
    }
    expect(make({ every: 0 })).toThrow(OptionRangeError);
    expect(make({ every: 0 })).toThrow('createOptimizer: metrics: every must be an integer >= 1, received 0');
  });

  it('are an error that says what to write where nothing is measured', () => {
    const optimizer = createOptimizer({ transform: sgd(), parameters, backend: reference() });
    expect(() => optimizer.metrics()).toThrow(OptionTypeError);
    expect(() => optimizer.metrics()).toThrow('metrics: this optimizer measures nothing; write createOptimizer({ …, metrics: true })');
  });

  it('are those that were asked for', () => {
    const metrics = { norms: ['update'], every: 1 } as const;
    const optimizer = createOptimizer({ transform: sgd({ learningRate: 1 }), parameters, backend: reference(), metrics });
    optimizer.step({ w: [3, 4], b: [12] });
    const { gradient, update, parameter, ratio, clip } = optimizer.metrics();
    expect({ gradient, update, parameter, ratio, clip }).toEqual({
      gradient: undefined,
      update: 13,
      parameter: undefined,
      ratio: undefined,
      clip: 1,
    });
  });

  it('leave programs of steps that are not measured, and of optimizers without them, as they are', () => {
    const programs = (metrics: boolean) => {
      const optimizer = createOptimizer({ transform: adamw(), parameters, backend: reference(), metrics });
      return JSON.stringify(
        optimizer
          .explain(110)
          .programs.filter(({ program }) => program.outputs.every(({ key }) => key !== 'metrics'))
          .map(({ program }) => program),
      );
    };
    expect(programs(true)).toBe(programs(false));
    expect(programs(false)).toBe(
      JSON.stringify(explain(adamw(), { w: [2], b: [1] }, 110, false, 'f64').programs.map(({ program }) => program)),
    );
  });

  it('are counted by explain()', () => {
    const explained = (metrics: boolean) =>
      createOptimizer({
        transform: adamw(),
        parameters: { w: { shape: [1000], data: new Float32Array(1000) } },
        backend: reference(),
        metrics,
      }).explain(110);
    const { metrics, ...whole } = explained(true);
    expect(explained(false).metrics).toBeUndefined();
    expect(metrics?.calls).toBe(2);
    const total = ({ programs }: Pick<typeof whole, 'programs'>): number =>
      programs.reduce((sum, { calls, flops }) => sum + calls * flops, 0);
    expect(total(whole) - total(explained(false))).toBe(metrics?.flops);
    expect(metrics?.flops).toBeGreaterThan(2 * 6000);
    expect(whole.programs.map(({ name, calls }) => [name, calls])).toEqual([
      ['check', 110],
      ['step, measured', 2],
      ['step', 108],
    ]);
    expect(String(whole)).toContain('metrics: in 2 of 110 calls');
  });

  it('have rates as numbers: what a schedule said for the last step', () => {
    const learningRate: Scalar = (step) => 1 / (step + 1);
    const optimizer = createOptimizer({ transform: sgd({ learningRate }), parameters, backend: reference(), metrics: true });
    const rate = () => optimizer.metrics().rates['learningRate'];
    expect(rate()).toBe(1);
    for (let step = 0; step < 4; step++) optimizer.step({ w: [1, 1], b: [1] });
    expect(rate()).toBe(0.25);
    optimizer.set('learningRate', 0.125);
    expect(rate()).toBe(0.125);
  });

  it('count from the first step again, whatever moved nothing: SOAP moves with its second call', () => {
    const optimizer = createOptimizer({ transform: soap(), parameters, backend: reference(), metrics: { every: 10 } });
    const seen: [number | undefined, boolean][] = [];
    for (let step = 0; step < 13; step++) {
      optimizer.step({ w: [1, step], b: [1] });
      const { measured, update } = optimizer.metrics();
      seen.push([measured, (update ?? 0) > 0]);
    }
    expect(seen.map(([measured]) => measured)).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 12, 12]);
    expect(seen.map(([, moved]) => moved).indexOf(true)).toBe(1);
  });

  it('of a step that only the device knows to be dropped are those of the one before', async () => {
    const backend = unseen(reference());
    const optimizer = createOptimizer({ transform: adamw(), parameters: { w: parameters.w }, backend, metrics: { every: 1 } });
    for (const there of [
      [3, 4],
      [Number.NaN, 1],
      [5, 12],
      [Infinity, 0],
    ])
      optimizer.step({ w: { there } });
    const { step, measured, skipped, gradient }: Metrics<'w'> = await optimizer.metrics();
    expect({ step, measured, skipped, gradient }).toEqual({ step: 2, measured: 2, skipped: 2, gradient: 13 });
  });

  it('are read behind the steps that were called before', async () => {
    const backend = unseen(reference());
    const optimizer = createOptimizer({ transform: sgd(), parameters: { w: parameters.w }, backend, metrics: { every: 1 } });
    optimizer.step({ w: [3, 4] });
    const reading = optimizer.metrics();
    optimizer.step({ w: [30, 40] });
    expect((await reading).gradient).toBe(5);
    expect((await optimizer.metrics()).parameters.w.gradient).toBe(50);
  });
});
