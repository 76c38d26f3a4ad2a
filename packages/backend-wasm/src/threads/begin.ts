import { LinearMemory } from '../memory.ts';
import type { Grain } from './tasks.ts';
import { Team } from './team.ts';
import { type Entry, hindrance } from './workers.ts';

/** What tests set otherwise. */
export interface Beginning {
  readonly entry?: Entry;
  readonly grain?: Partial<Grain>;
}

/** A memory, and the threads that share it. */
export interface Crew {
  readonly linear: LinearMemory;
  readonly team: Team;
}

/** Nanoseconds of estimated work: a program for which threads are woken, and a task. */
const usual = { least: 100_000, task: 20_000 };

/** `threads` threads on one memory; undefined, and a line in the log, where there can be no more than one. */
export async function begin(maxMemory: number, fma: boolean, threads: number, { entry, grain }: Beginning = {}): Promise<Crew | undefined> {
  let why = hindrance();
  if (why === undefined) {
    try {
      const linear = new LinearMemory(maxMemory, true);
      return { linear, team: await Team.begin(linear, fma, { ...usual, ...grain, threads }, entry) };
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
  }
  console.warn(`wasm: one thread instead of ${threads}: ${why}`);
  return undefined;
}
