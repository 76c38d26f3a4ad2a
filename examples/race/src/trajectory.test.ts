import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backends } from './backends.ts';
import { entrants } from './entrants.ts';
import { type GradientEngine, gradientEngine } from './gradient-engine.ts';
import { learner } from './learner.ts';
import { mnist1d } from './mnist1d.ts';
import recorded from './recorded.json' with { type: 'json' };
import { train } from './train.ts';

let engine: GradientEngine;
beforeAll(async () => {
  engine = await gradientEngine();
});
afterAll(() => engine.dispose());

/** What rounding alone may do: ten times what moving every initial weight by one rounding did, at least 1e-4 relative. */
const tolerance = (loss: number, perturbed: number): number => Math.max(10 * Math.abs(perturbed - loss), 1e-4 * loss);

const quick = [
  ['sgd', recorded.bestRuns['sgd-momentum']],
  ['adamw', recorded.bestRuns.adamw],
] as const;
const slow = [
  ['soap', recorded.bestRuns.soap],
  ['soap-normalize-ema', recorded.bestRuns['soap-normalize-ema']],
] as const;

describe.each(backends)('on the $name backend', (backend) => {
  // The interpreter would take a minute over the two that decompose matrices.
  const compiled = backend.name === 'wasm' || backend.name === 'onnx' ? slow : [];
  test.each([...quick, ...compiled])('%s goes the way PyTorch went', async (name, run) => {
    const lanes = entrants
      .filter((entrant) => entrant.name === name)
      .map((entrant) => ({
        ...entrant,
        make: async (initial: Parameters<typeof learner>[2]) => learner(entrant.make(entrant.learningRate), await backend.make(), initial),
      }));
    expect(lanes[0]?.learningRate.toPrecision(6)).toBe(run.learningRate.toPrecision(6));
    const [result] = await train({ lanes, steps: 20, batch: 64, seed: 0, data: mnist1d(), engine, test: false });
    run.trainLossAtStep.forEach(([step = 0, loss = Number.NaN], index) => {
      const perturbed = run.perturbedTrainLossAtStep[index]?.[1] ?? Number.NaN;
      const ours = result?.losses[step - 1] ?? Number.NaN;
      expect(Math.abs(ours - loss), `loss at step ${step}: ${ours}, recorded ${loss}`).toBeLessThanOrEqual(tolerance(loss, perturbed));
    });
  });
});
