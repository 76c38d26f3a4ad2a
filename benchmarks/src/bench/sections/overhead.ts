import type { Comparison } from '../comparison.ts';
import { models } from '../models.ts';
import { ownContender } from '../own.ts';
import type { Peers } from '../peers.ts';
import { refreshEvery } from '../recipes.ts';
import { microsecondsAtMost } from '../target.ts';
import { adamwStep, soapStep } from './steps.ts';

/** What a step costs when there is next to nothing to compute. */
export function overhead(peers: Peers): readonly Comparison[] {
  const { tiny } = models;
  if (tiny === undefined) return [];
  return [adamwStep(peers, 'tiny', tiny, 'overhead'), soapStep(peers, 'tiny', tiny, 'overhead'), hostWork()];
}

/** On a backend that does nothing, what is left is the host's own work. */
const hostWork = (): Comparison => ({
  section: 'overhead',
  title: "the host's own work in a SOAP step of 40 matrices",
  ours: 'ours',
  entries: [{ name: 'ours', block: refreshEvery, make: () => ownContender('step/soap/forty-matrices', 'idle') }],
  targets: [microsecondsAtMost('ours', 20)],
});
