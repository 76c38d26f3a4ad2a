import { duration, figure } from '../../../examples/race/src/figures.ts';
import { describeRun } from '../runs/run.ts';
import type { Moment, News } from './tracker.ts';

/** 3 min 05 s, 2 h 10 min. */
export const longDuration = (milliseconds: number): string => {
  const minutes = Math.round(milliseconds / 60_000);
  return minutes < 100 ? duration(milliseconds) : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

/** `34 of 990 runs, 12 from earlier, 1 failed, 1 h 20 min left`. */
export const standing = ({ finished, reused, failed, expected, remainingMilliseconds, elapsedMilliseconds }: Moment): string =>
  [
    `${finished} of ${expected} runs`,
    ...(reused > 0 ? [`${reused} from earlier`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    finished + failed >= expected
      ? `${longDuration(elapsedMilliseconds)} in all`
      : remainingMilliseconds === undefined
        ? 'time left not known yet'
        : `${longDuration(remainingMilliseconds)} left`,
  ].join(', ');

/** `rnn, soap, rate 0.00562, seed 0: loss 2.30 → 0.651, 3.4 s`. */
export const outcome = (news: News): string => {
  const run = describeRun(news.spec);
  if ('message' in news) return `${run}: FAILED, ${news.message}`;
  const { losses, diverged, seconds } = news.result;
  const least = losses.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const loss = diverged ? `diverged at step ${losses.length}` : `loss ${figure(losses[0] ?? Number.NaN)} → ${figure(least)}`;
  return `${run}: ${loss}, ${seconds.toFixed(1)} s`;
};
