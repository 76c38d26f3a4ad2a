import type { Options } from '../race/entrants.ts';
import type { LaneState, RaceSettings } from '../race/race.ts';
import type { Recording } from '../race/recording.ts';

/** What the page asks of the worker that trains. */
export type Request =
  | { readonly kind: 'start'; readonly settings: RaceSettings; readonly steps: number; readonly data: string }
  | { readonly kind: 'go' | 'pause' | 'step' | 'record' }
  | { readonly kind: 'rate'; readonly lane: number; readonly rate: number }
  | { readonly kind: 'check'; readonly row: number; readonly optimizer: string; readonly options: Options };

/** What it answers. */
export type Reply =
  | { readonly kind: 'checked'; readonly row: number; readonly complaint: string | null }
  | {
      readonly kind: 'progress';
      readonly steps: number;
      readonly states: readonly (readonly LaneState[])[];
      readonly accuracies: readonly number[] | null;
    }
  | { readonly kind: 'state'; readonly running: boolean; readonly done: boolean }
  | { readonly kind: 'recording'; readonly recording: Recording }
  | { readonly kind: 'failed'; readonly message: string };
