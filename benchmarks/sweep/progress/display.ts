import type { Screen } from '../../../examples/race/src/moment.ts';
import { describeRun } from '../runs/run.ts';
import type { Display, Moment } from './tracker.ts';
import { outcome, standing } from './words.ts';

const redrawEvery = 100;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
// Lines longer than the terminal must not wrap, or going back up would miss some of them.
const wrapOff = '\x1b[?7l';
const wrapOn = '\x1b[?7h';
const clearBelow = '\x1b[0J';
const barWidth = 24;

/** A line for every run that ended; on a terminal, below them what is running now, redrawn in place. */
export const display = (screen: Screen, steps: (task: string) => number): Display =>
  screen.isTTY === true && process.env['TERM'] !== 'dumb' ? live(screen, steps) : plain(screen);

const plain = (screen: Screen): Display => ({
  show() {},
  tell(news, moment) {
    screen.write(`${outcome(news)} (${standing(moment)})\n`);
  },
});

/** Every frame leaves the terminal as it found it: the program may be interrupted at any time. */
const live = (screen: Screen, steps: (task: string) => number): Display => {
  let height = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (above: string, moment: Moment): void => {
    const lines = [standing(moment), ...moment.running.map(({ spec, step }) => `  ${bar(step / steps(spec.task))} ${describeRun(spec)}`)];
    const up = height > 0 ? `\x1b[${height}A` : '';
    screen.write(`${hideCursor}${wrapOff}${up}\r${clearBelow}${above}${lines.map((line) => `${line}\n`).join('')}${wrapOn}${showCursor}`);
    height = lines.length;
    drawnAt = performance.now();
  };
  return {
    show(moment) {
      if (performance.now() - drawnAt >= redrawEvery) draw('', moment);
    },
    tell(news, moment) {
      draw(`${outcome(news)}\n`, moment);
    },
  };
};

const bar = (share: number): string => {
  const filled = Math.round(barWidth * Math.min(1, Math.max(0, share)));
  return `${'█'.repeat(filled)}${'·'.repeat(barWidth - filled)}`;
};
