import type { Backend, Mode } from '../backend.ts';
import type { Transform } from '../transform/transform.ts';
import type { Narrowed } from './memory/narrowed.ts';
import type { Randomness } from './memory/randomness.ts';
import type { Measuring } from './plans/measures.ts';

/** What stays, whatever parameters come and go. */
export interface Frame<Native, Buffer> {
  readonly transform: Transform;
  readonly backend: Backend<Mode, Mode, Native, Buffer>;
  readonly random: Randomness;
  readonly metrics: Measuring | undefined;
  /** How state is held. */
  readonly narrowed: Narrowed | undefined;
}
