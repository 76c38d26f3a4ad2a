import { reference } from '@opt/backend-reference';
import { createOptimizer, DisposedError, type Objective, ObjectiveError } from '@opt/core';
import { extragradient } from '@opt/transforms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testAnswers } from './contract/answers.ts';
import { harnessOf } from './contract/harness.ts';
import { testQuestions } from './contract/questions.ts';
import type { AnyBackend } from './families/family.ts';
import { awaited, remote, submitting } from './testing/modes.ts';

const modes: Readonly<Record<string, () => AnyBackend>> = {
  'at once': () => reference(),
  'in another process': () => remote(reference()),
  'on a device that must not be read': () => submitting(reference()),
  'awaited, on memory of the host': () => awaited(reference()),
};

describe.each(Object.entries(modes))('in f64, %s', (name, make) => {
  const harness = harnessOf({ name, make });
  beforeAll(() => harness.start());
  afterAll(() => harness.stop());
  testQuestions(harness);
  testAnswers(harness);
});

describe('while an answer is awaited', () => {
  const made = () =>
    createOptimizer({
      transform: extragradient({ learningRate: 0.1 }),
      parameters: { w: { shape: [2], data: [1, 2] } },
      backend: reference(),
    });

  it('parameters stand still, and the next step waits', async () => {
    const optimizer = made();
    const seen: number[][] = [];
    // ½‖w‖², once more and slowly.
    const objective: Objective<'w', 'async'> = {
      gradients: async (at) => {
        await Promise.resolve();
        if (at !== undefined) seen.push([...optimizer.parameters.w]);
        return { w: at?.w ?? optimizer.parameters.w };
      },
    };
    await Promise.all([optimizer.step(objective), optimizer.step(objective)]);
    // p ← p − 0.1·(p − 0.1·p), twice.
    expect(seen).toEqual([
      [1, 2],
      [0.91, 1.82],
    ]);
    expect(optimizer.parameters.w[0]).toBeCloseTo(0.91 ** 2, 14);
  });

  it('an optimizer may be disposed of', async () => {
    const optimizer = made();
    const step = optimizer.step({
      gradients: async (at) => {
        const answer = { w: [at?.w[0] ?? 1, 1] };
        if (at !== undefined) optimizer.dispose();
        return answer;
      },
    });
    await expect(step).rejects.toThrow(DisposedError);
  });

  it('an answer that is none is an ObjectiveError, and nothing has changed', () => {
    const optimizer = made();
    const answers: readonly [unknown, string][] = [
      [undefined, 'gradients must give an object of arrays by parameter name, received undefined'],
      [{ v: [1] }, "gradients gave 'v', which belongs to no parameter, known are w"],
      [{ w: [1] }, "gradients must give an array of 2 numbers for 'w', received 1"],
      [{ w: ['1', '2'] }, "gradients must give an array of 2 numbers for 'w', received '1' at [0]"],
    ];
    for (const [answer, said] of answers) {
      const objective = { gradients: (at?: { w: ArrayLike<number> }) => (at === undefined ? { w: [1, 1] } : at.w[0] !== 0 && answer) };
      const step = (): unknown => Reflect.apply(optimizer.step, optimizer, [objective]);
      expect(step).toThrow(ObjectiveError);
      expect(step).toThrow(said);
      expect([...optimizer.parameters.w]).toEqual([1, 2]);
    }
  });
});
