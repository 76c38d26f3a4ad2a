import type { Grain } from '../threads/tasks.ts';

/** Programs are for several threads whatever they cost, in tasks that are as small as can be. */
export const finest: Partial<Grain> = { least: 0, task: 1 };
