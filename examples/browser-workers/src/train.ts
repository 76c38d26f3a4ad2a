import { wasm } from '@opt/backend-wasm';
import { createWorker, type Mailbox, table } from '@opt/local-sgd';
import { adamw } from '@opt/transforms';
import { initial, lossAndGradients, sampler, type Weights } from './spirals.ts';

/** Who trains, with whom, and for how long: what a process is told by its arguments, and a tab by its address. */
export interface Assignment {
  readonly run: string;
  /** Known to the workers of the run. */
  readonly secret: string;
  readonly worker: string;
  /** Whose samples, from 0. */
  readonly index: number;
  readonly workers: number;
  readonly rounds: number;
}

export interface Round {
  /** How many have ended. */
  readonly round: number;
  readonly loss: number;
  readonly members: readonly string[];
  /** SHA-256 of the common parameters. */
  readonly digest: string;
}

const every = 10;
const batch = 32;

/** A worker, the same in a process and in a tab. */
export async function train(mailbox: Mailbox, assignment: Assignment, onRound: (round: Round) => void): Promise<void> {
  const { run, secret, worker: name, index, workers, rounds } = assignment;
  const worker = await createWorker({
    ...{ transform: adamw({ learningRate: 0.02, weightDecay: 0 }), parameters: initial(), backend: wasm() },
    ...{ mailbox, run, secret, worker: name, workers, syncEvery: every, codec: table({ bins: 16 }), deadline: 10_000 },
  });
  // Whoever comes late takes what the others did meanwhile.
  await worker.join();
  const next = sampler(index);
  let losses: number[] = [];
  while (worker.turn < rounds) {
    const [w1 = [], b1 = [], w2 = [], b2 = []] = await Promise.all(['w1', 'b1', 'w2', 'b2'].map((key) => worker.parameters[key]));
    const weights: Weights = { w1, b1, w2, b2 };
    const { loss, gradients } = lossAndGradients(weights, next(batch));
    losses.push(loss);
    const turn = await worker.step(gradients, batch);
    if (turn === undefined) continue;
    const mean = losses.reduce((sum, one) => sum + one, 0) / losses.length;
    onRound({ round: worker.turn, loss: mean, members: turn.members, digest: await worker.digest() });
    losses = [];
    // A tab must stay able to paint.
    await new Promise((done) => setTimeout(done));
  }
  worker.dispose();
}
