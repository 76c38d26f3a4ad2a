import type { Comparison } from '../comparison.ts';
import type { Model } from '../models.ts';
import type { Peers } from '../peers.ts';
import { measuredEvery, refreshEvery } from '../recipes.ts';
import { ratioAtLeast } from '../target.ts';

const on = 'ours, metrics on';
const measured = 'ours, every step measured';

/** What metrics cost: beside the same optimizer without them, in turns of whole rounds of measured and other steps. */
export const adamwMetrics = (peers: Peers, name: string, { title }: Model): Comparison => ({
  section: 'steps',
  title: `AdamW with metrics, ${title}`,
  ours: 'ours',
  entries: [
    peers.ours('ours', `step/adamw/${name}`, measuredEvery),
    peers.ours(on, `step/adamw-metrics/${name}`, measuredEvery),
    peers.ours(measured, `step/adamw-measured/${name}`),
  ],
  targets: name === 'vector-1m' ? [ratioAtLeast('ours', on, 0.97)] : [],
  notes: (medians) => times(medians, [on, measured]),
});

export const soapMetrics = (peers: Peers, name: string, { title }: Model): Comparison => ({
  section: 'steps',
  title: `SOAP f=${refreshEvery} with metrics, ${title}`,
  ours: 'ours',
  entries: [peers.ours('ours', `step/soap/${name}`, refreshEvery), peers.ours(measured, `step/soap-measured/${name}`, refreshEvery)],
  targets: [],
  notes: (medians) => times(medians, [measured]),
});

function times(medians: (name: string) => number | undefined, names: readonly string[]): string[] {
  const plain = medians('ours');
  return names.flatMap((name) => {
    const own = medians(name);
    return plain === undefined || own === undefined ? [] : [`${name}: ${(own / plain).toFixed(3)} times a step without metrics.`];
  });
}
