import { Dice } from './dice.ts';
import { type Fault, faults, ordinary, type Places } from './faults.ts';
import { Pair, Violation } from './pair.ts';
import { drawSubject } from './subject.ts';

/** What a share of the faults is to be. */
export interface Share {
  readonly seed: number;
  readonly count: number;
  readonly places: Places;
}

export interface Found {
  /** Faults tried, by name. */
  readonly tried: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
  readonly subjects: number;
}

/** Faults tried on one pair before another is drawn. */
const perSubject = 1500;
/** After so many violations it is clear that something is wrong. */
const mostViolations = 20;

/**
 * Tries `count` faults: draws optimizers and models, and between ordinary steps does to one of two equal optimizers what should leave no
 * trace. After every fault both must be equal to the last bit.
 */
export async function runFaults({ seed, count, places }: Share, onProgress: (tried: number) => void = () => {}): Promise<Found> {
  const dice = new Dice(seed);
  const possible = faults.filter(({ needs }) => needs === undefined || places[needs] !== undefined);
  const tried: Record<string, number> = Object.fromEntries(possible.map(({ name }) => [name, 0]));
  const violations: string[] = [];
  let [done, subjects] = [0, 0];
  while (done < count && violations.length < mostViolations) {
    const subject = drawSubject(dice);
    subjects++;
    let last = 'construction';
    try {
      const pair = new Pair(subject);
      for (let i = 0; i < 3; i++) ordinary(pair, dice);
      for (let i = 0; i < perSubject && done < count; i++) {
        // Each kind once before chance has it.
        const fault = possible[done] ?? draw(possible, dice);
        last = fault.name;
        await fault.run(pair, dice, places);
        pair.compare(fault.name);
        if (dice.next() < 0.3) {
          ordinary(pair, dice);
          pair.compare(`a step after ${fault.name}`);
        }
        tried[fault.name] = (tried[fault.name] ?? 0) + 1;
        if (++done % 1000 === 0) onProgress(done);
      }
      pair.checkGrowth('many faults');
      pair.end();
    } catch (error) {
      const what =
        error instanceof Violation ? error.message : `${last}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      violations.push(`seed ${seed}, subject ${subjects} (${subject.label}), fault ${done + 1}: ${what}`);
      done++;
    }
  }
  onProgress(done);
  return { tried, violations, subjects };
}

function draw(possible: readonly Fault[], dice: Dice): Fault {
  let rest = dice.next() * possible.reduce((sum, { weight }) => sum + weight, 0);
  for (const fault of possible) {
    rest -= fault.weight;
    if (rest < 0) return fault;
  }
  return dice.pick(possible);
}
