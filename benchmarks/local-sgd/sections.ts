import { growth } from './growth.ts';
import { innerSteps } from './inner-steps.ts';
import { killTrials } from './kill-trials.ts';
import { quality } from './quality.ts';
import type { Say } from './say.ts';
import { tuning } from './tuning.ts';

interface Section {
  readonly what: string;
  /** `keep` takes what there is so far, so that a run that is stopped has not measured in vain. */
  run(say: Say, keep: (found: Readonly<Record<string, unknown>>) => void): Promise<Readonly<Record<string, unknown>>>;
}

export const sections = {
  tuning: { what: 'what was tried before', run: tuning },
  quality: { what: 'losses of eight workers beside one with the same samples', run: quality },
  inner: { what: 'an inner step beside one without the outer machinery', run: innerSteps },
  growth: { what: 'a round by parameters and by workers', run: growth },
  kills: { what: 'workers killed with -9, a broker, a slow worker, a partition', run: killTrials },
} as const satisfies Record<string, Section>;

export const sectionNames = Object.keys(sections).filter((name): name is keyof typeof sections => name in sections);
