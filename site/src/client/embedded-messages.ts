/** What marks messages of figures among all others that a page gets. */
export const embeddedName = 'opt-race';

/** What a figure tells the page it stands in. */
export type FromFigure = { readonly kind: 'state'; readonly state: string } | { readonly kind: 'height'; readonly height: number };

/** Reads a message from anywhere; undefined if it is not from a figure. */
export function fromFigure(data: unknown): FromFigure | undefined {
  if (typeof data !== 'object' || data === null || !('from' in data) || data.from !== embeddedName || !('kind' in data)) return undefined;
  if (data.kind === 'state' && 'state' in data && typeof data.state === 'string') return { kind: 'state', state: data.state };
  if (data.kind === 'height' && 'height' in data && typeof data.height === 'number') return { kind: 'height', height: data.height };
  return undefined;
}
