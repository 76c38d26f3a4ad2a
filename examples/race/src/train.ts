import { setImmediate } from 'node:timers/promises';
import { batches } from './batches.ts';
import type { Evaluation, GradientEngine } from './gradient-engine.ts';
import { initialWeights } from './initial-weights.ts';
import { type Learner, type Measure, measureEvery } from './learner.ts';
import { type Mnist1d, pick } from './mnist1d.ts';
import type { ParameterValues } from './model.ts';
import { smooth } from './smooth.ts';
import { stream } from './stream.ts';

const testEvery = 50;
const divergedBeyond = 1e6;

/** Who trains: a name to show, a colour, and how to make its optimizer on the given initial parameters. */
export interface Lane {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  readonly learningRate: number;
  make(initial: ParameterValues): Promise<Learner>;
}

interface Tested extends Evaluation {
  /** Number of updates before the test. */
  readonly afterStep: number;
}

/** What one lane did. A diverged run (loss not finite or beyond 10⁶ times the first) ends where it diverged. */
export interface Run {
  readonly lane: Lane;
  /** Training loss of the batch at hand, in step 1, 2, …, each before its update. */
  readonly losses: readonly number[];
  readonly smoothedLosses: readonly number[];
  readonly best: { readonly loss: number; readonly step: number };
  readonly finalLoss: number;
  readonly tests: readonly Tested[];
  /** What steps did, in every 50th. */
  readonly measures: readonly Measure[];
  readonly diverged: boolean;
  /** Means over the steps of this run. */
  readonly optimizerMilliseconds: number;
  readonly gradientMilliseconds: number;
}

/** A lane while it trains. */
export interface LaneState {
  readonly lane: Lane;
  readonly losses: readonly number[];
  readonly diverged: boolean;
  readonly optimizerMilliseconds: number;
}

export interface TrainOptions {
  readonly lanes: readonly Lane[];
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  readonly data: Mnist1d;
  readonly engine: GradientEngine;
  /** Whether to measure the test set before steps 1, 51, 101, … and after the last one. */
  readonly test: boolean;
  readonly onStep?: (step: number, lanes: readonly LaneState[]) => void;
}

interface Training {
  readonly lane: Lane;
  readonly learner: Learner;
  readonly losses: number[];
  readonly tests: Tested[];
  readonly measures: Measure[];
  diverged: boolean;
  optimizerTotal: number;
  gradientTotal: number;
  readonly optimizerMilliseconds: number;
}

/**
 * Trains all lanes side by side: the same initial weights, and every batch goes to one lane after the other before the next is drawn,
 * so that a noisy machine disturbs all of them alike.
 */
export const train = async ({ lanes, steps, batch, seed, data, engine, test, onStep }: TrainOptions): Promise<Run[]> => {
  const initial = initialWeights(stream(seed, 'weights'));
  const nextBatch = batches(data.train.count, batch, stream(seed, 'batches'));
  const field: Training[] = [];
  try {
    for (const lane of lanes) field.push(start(lane, await lane.make(initial)));
    for (let step = 1; step <= steps && field.some(({ diverged }) => !diverged); step++) {
      const samples = pick(data.train, nextBatch());
      for (const training of field) {
        if (training.diverged) continue;
        const parameters = await training.learner.parameters();
        if (test && (step - 1) % testEvery === 0) training.tests.push({ afterStep: step - 1, ...engine.evaluate(parameters, data.test) });
        const before = performance.now();
        const { loss, gradients } = engine.lossAndGradients(parameters, samples);
        const between = performance.now();
        training.losses.push(loss);
        training.diverged = !(loss <= divergedBeyond * (training.losses[0] ?? loss));
        if (!training.diverged) await training.learner.step(gradients);
        training.gradientTotal += between - before;
        training.optimizerTotal += performance.now() - between;
        // The first step of SOAP moves nothing, so what is measured is its second, and so on.
        if (!training.diverged && step % measureEvery === 2) await measure(training);
      }
      onStep?.(step, field);
      // Lets what was written out: synchronous optimizers alone would hold the event loop for the whole race.
      await setImmediate();
    }
    for (const { learner, tests, diverged } of field) {
      if (test && !diverged) tests.push({ afterStep: steps, ...engine.evaluate(await learner.parameters(), data.test) });
    }
    return field.map(finished);
  } finally {
    for (const { learner } of field) learner.dispose();
  }
};

async function measure({ learner, measures }: Training): Promise<void> {
  const measured = await learner.measured?.();
  if (measured !== undefined) measures.push(measured);
}

const start = (lane: Lane, learner: Learner): Training => ({
  lane,
  learner,
  losses: [],
  tests: [],
  measures: [],
  diverged: false,
  optimizerTotal: 0,
  gradientTotal: 0,
  get optimizerMilliseconds() {
    return this.optimizerTotal / Math.max(1, this.losses.length);
  },
});

const finished = ({ lane, losses, tests, measures, diverged, optimizerMilliseconds, gradientTotal }: Training): Run => {
  const smoothedLosses = smooth(losses.filter(Number.isFinite));
  const bestLoss = smoothedLosses.reduce((least, loss) => Math.min(least, loss), Number.POSITIVE_INFINITY);
  return {
    lane,
    losses,
    smoothedLosses,
    best: { loss: bestLoss, step: smoothedLosses.indexOf(bestLoss) + 1 },
    finalLoss: diverged ? Number.NaN : (smoothedLosses.at(-1) ?? Number.NaN),
    tests,
    measures,
    diverged,
    optimizerMilliseconds,
    gradientMilliseconds: gradientTotal / Math.max(1, losses.length),
  };
};
