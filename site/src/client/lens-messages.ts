import type { Glimpse, HeatMap } from '../lens/lens.ts';
import type { LensSettings } from '../lens/settings.ts';
import type { Plane } from '../lens/slice.ts';

/** What the page of the lenses asks of its worker. */
export type LensRequest =
  | { readonly kind: 'start'; readonly settings: LensSettings; readonly data: string }
  | { readonly kind: 'go' | 'pause' };

/** What it answers. */
export type LensReply =
  | { readonly kind: 'glimpses'; readonly glimpses: readonly Glimpse[]; readonly maps: readonly HeatMap[] | null }
  | { readonly kind: 'state'; readonly running: boolean; readonly done: boolean }
  | { readonly kind: 'plane'; readonly paths: Plane['paths']; readonly share: number; readonly size: number }
  | { readonly kind: 'row'; readonly row: number; readonly losses: Float64Array }
  | { readonly kind: 'failed'; readonly message: string };
