import { concat, type Declarer, saturate, type Tensor } from '@opt/core';
import type { CurvatureStep } from './curvature.ts';

/** The columns of the steps since the last refresh; that of the refresh itself is never stored. */
const slot = 'columns';

export function declareWindow(owner: string, d: number, window: number, at: Declarer): void {
  if (window > 1) at.slot(slot, owner, { shape: [window - 1, d], kind: 'invariant' });
}

/** Takes in this step's column; on a refresh gives all of them, oldest first, as rows. */
export function collect({ owner, site, refresh, columns, place }: CurvatureStep, given: Tensor): Tensor | undefined {
  const column = saturate(given, site.largest);
  const row = column.reshape([1, -1]);
  if (!refresh) {
    site.set(slot, owner, site.get(slot, owner).setRow(place, column));
    return undefined;
  }
  return columns === 1 ? row : concat([site.get(slot, owner).slice([0], [columns - 1]), row]);
}

/** A curvature whose corrections are the columns of the steps since the last refresh. */
export const collected = {
  rejects: false,
  signed: false,
  multiplies: false,
  asymmetric: false,
  offers: [],
  columns: 'steps',
} as const;

/** The rows of a refresh as an observation. */
export const correctionOf = (Y: Tensor | undefined): { correction?: { Y: Tensor } } => (Y === undefined ? {} : { correction: { Y } });
