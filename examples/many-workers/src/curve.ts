import { smooth } from '../../race/src/smooth.ts';
import type { Run } from '../../race/src/train.ts';
import type { Progress } from './messages.ts';

/** What one team did, as it comes in. */
export class Curve {
  /** Of each worker, in order. */
  private readonly losses: number[][];
  private readonly tests: { afterStep: number; loss: number; accuracy: number }[] = [];
  private readonly times: { stepping: number; deriving: number; steps: number } = { stepping: 0, deriving: 0, steps: 0 };

  /** Batches of a step of each worker. */
  private readonly batches: number;

  constructor(workers: number, batches = 1) {
    this.batches = batches;
    this.losses = Array.from({ length: workers }, () => []);
  }

  add(worker: number, { losses, tested, stepMilliseconds, gradientMilliseconds }: Progress): void {
    const own = this.losses[worker] ?? [];
    own.push(...losses);
    this.times.stepping += stepMilliseconds * losses.length;
    this.times.deriving += gradientMilliseconds * losses.length;
    this.times.steps += losses.length;
    if (tested !== undefined)
      this.tests.push({
        afterStep: own.length * this.losses.length * this.batches,
        loss: tested.loss,
        accuracy: tested.accuracy ?? Number.NaN,
      });
  }

  steps(worker: number): number {
    return this.losses[worker]?.length ?? 0;
  }

  get tested(): { readonly loss: number; readonly accuracy: number } | undefined {
    return this.tests.at(-1);
  }

  /** The mean loss of everybody's latest steps. */
  get loss(): number {
    const recent = this.losses.flatMap((losses) => losses.slice(-25));
    return recent.reduce((sum, loss) => sum + loss, 0) / Math.max(1, recent.length);
  }

  /** As the race has it, by batches of the whole team: the losses of a step of everybody stand side by side. */
  run(name: string, label: string, colour: string, learningRate: number): Run {
    const most = Math.max(...this.losses.map(({ length }) => length));
    const losses = Array.from({ length: most }, (_, step) => this.losses.flatMap((own) => own[step] ?? [])).flatMap((step) =>
      step.flatMap((loss) => new Array<number>(this.batches).fill(loss)),
    );
    const smoothedLosses = smooth(losses.filter(Number.isFinite));
    const best = smoothedLosses.reduce((least, loss) => Math.min(least, loss), Number.POSITIVE_INFINITY);
    const { stepping, deriving, steps } = this.times;
    return {
      lane: { name, label, colour, learningRate, make: () => Promise.reject(new Error('this lane has run')) },
      losses,
      smoothedLosses,
      best: { loss: best, step: smoothedLosses.indexOf(best) + 1 },
      finalLoss: smoothedLosses.at(-1) ?? Number.NaN,
      tests: this.tests,
      measures: [],
      diverged: false,
      optimizerMilliseconds: stepping / Math.max(1, steps),
      gradientMilliseconds: deriving / Math.max(1, steps),
    };
  }
}
