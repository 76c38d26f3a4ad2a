import { type Contender, type Entry, MissingPeer } from './contender.ts';

/** Seconds per iteration, one sample a turn; or why there are none. */
export type Measurement =
  | { readonly name: string; readonly iterations: number; readonly samples: readonly number[] }
  | { readonly name: string; readonly missing: string }
  | { readonly name: string; readonly failed: string };

export interface Pace {
  /** Turns of every contender. */
  readonly rounds: number;
  /** Seconds a turn should last at least. */
  readonly batch: number;
  /** Seconds after which a comparison ends early, once every contender had `leastRounds` turns. */
  readonly budget: number;
}

export const leastRounds = 3;

interface Lane {
  readonly entry: Entry;
  readonly contender: Contender;
  readonly iterations: number;
  /** A turn takes so little that one more for warming up is nothing. */
  readonly quick: boolean;
  readonly samples: number[];
}

/** Runs all contenders in turns, so that whatever the machine does meanwhile happens to all of them. */
export async function interleave(entries: readonly Entry[], pace: Pace): Promise<Measurement[]> {
  const measurements = new Map<string, Measurement>();
  const lanes: Lane[] = [];
  try {
    for (const entry of entries) {
      try {
        const contender = await entry.make();
        lanes.push({ entry, contender, ...(await calibrate(contender, entry.block ?? 1, pace.batch)), samples: [] });
      } catch (error) {
        measurements.set(entry.name, outcome(entry.name, error));
      }
    }
    // Code that was fast alone may have to be compiled again once others use the same functions.
    for (const { contender, iterations, quick } of lanes) if (quick) await contender.run(iterations);
    const start = performance.now();
    const late = (): boolean => performance.now() - start > pace.budget * 1000;
    for (let round = 0; round < pace.rounds && (round < leastRounds || !late()); round++) {
      // Every other round in reverse, so that nobody always follows the same neighbour.
      for (const lane of round % 2 === 0 ? lanes : [...lanes].reverse()) {
        lane.samples.push((await lane.contender.run(lane.iterations)) / lane.iterations);
      }
    }
  } finally {
    for (const { contender } of lanes) await contender.dispose();
  }
  for (const { entry, iterations, samples } of lanes) measurements.set(entry.name, { name: entry.name, iterations, samples });
  return entries.map(({ name }) => measurements.get(name) ?? { name, failed: 'was not measured' });
}

/** How many iterations fill a turn, a multiple of `block`. Warms the contender up on the way. */
async function calibrate(contender: Contender, block: number, batch: number): Promise<Pick<Lane, 'iterations' | 'quick'>> {
  let iterations = block;
  let seconds = await contender.run(iterations);
  // What is slow is warm after one block.
  if (seconds < 1) seconds = await contender.run(iterations);
  while (seconds < batch / 2) {
    iterations *= 2;
    seconds = await contender.run(iterations);
  }
  return { iterations: Math.max(1, Math.ceil((batch / seconds) * (iterations / block))) * block, quick: seconds < 1 };
}

const outcome = (name: string, error: unknown): Measurement => {
  const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return error instanceof MissingPeer ? { name, missing: why } : { name, failed: why };
};
