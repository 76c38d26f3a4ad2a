import { liveProgress } from './live-progress.ts';
import type { Progress, Screen } from './moment.ts';
import { plainProgress } from './plain-progress.ts';

/** A few redrawn lines on a terminal, a plain line every tenth of the way anywhere else. Colours unless NO_COLOR is set. */
export const progress = (screen: Screen): Progress =>
  screen.isTTY === true && process.env['TERM'] !== 'dumb' ? liveProgress(screen, !process.env['NO_COLOR']) : plainProgress(screen);
