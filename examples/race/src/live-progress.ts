import { duration, figure, milliseconds } from './figures.ts';
import { type Moment, type Progress, recentLoss, remaining, type Screen } from './moment.ts';
import type { LaneState } from './train.ts';

const redrawEvery = 80;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
// Lines longer than the terminal must not wrap, or going back up would miss some of them.
const wrapOff = '\x1b[?7l';
const wrapOn = '\x1b[?7h';
const clearLine = '\x1b[2K';
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** The end of the track: a loss this many times smaller than the first. */
const finish = 1000;

/**
 * The race as a few lines that are redrawn in place: how far the training is, and one lane per optimizer whose bar is the way its loss
 * has come, log(first/now) / log(1000). Every frame leaves the terminal as it found it: the program may be interrupted at any time.
 */
export const liveProgress = (screen: Screen, coloured: boolean): Progress => {
  let height = 0;
  let title = '';
  let drawnAt = Number.NEGATIVE_INFINITY;

  const draw = (moment: Moment): void => {
    const width = Math.max(20, (screen.columns ?? 80) - 1);
    const lines = [heading(moment, width), ...moment.lanes.map((state) => laneLine(state, moment.lanes, width, coloured))];
    if (moment.title !== title) height = 0;
    title = moment.title;
    const up = height > 0 ? `\x1b[${height}A` : '';
    screen.write(`${hideCursor}${wrapOff}${up}${lines.map((line) => `\r${clearLine}${line}\n`).join('')}${wrapOn}${showCursor}`);
    height = lines.length;
  };

  return {
    show(moment) {
      const now = performance.now();
      const last = moment.step === moment.steps;
      if (!last && moment.title === title && now - drawnAt < redrawEvery) return;
      drawnAt = now;
      draw(moment);
    },
  };
};

const heading = (moment: Moment, width: number): string => {
  const { title, step, steps, elapsedMilliseconds } = moment;
  const time = step === steps ? `${duration(elapsedMilliseconds)} in all` : `${duration(remaining(moment))} left`;
  return `${title}  step ${String(step).padStart(String(steps).length)}/${steps}  ${time}`.slice(0, width);
};

const laneLine = (state: LaneState, all: readonly LaneState[], width: number, coloured: boolean): string => {
  const { lane, losses, diverged, optimizerMilliseconds } = state;
  const labelWidth = Math.max(...all.map(({ lane: { label } }) => label.length));
  const loss = recentLoss(state);
  const figures = diverged ? 'diverged' : `loss ${figure(loss).padEnd(7)} ${milliseconds(optimizerMilliseconds).padStart(8)}/step`;
  const track = Math.min(60, width - labelWidth - 32);
  const distance = diverged ? 0 : Math.log((losses[0] ?? loss) / loss) / Math.log(finish);
  return `  ${lane.label.padEnd(labelWidth)}  ${track < 5 ? '' : `${paint(bar(distance, track), lane.colour, coloured)}  `}${figures}`;
};

/** `share` of `width` cells filled, in eighths of a cell. */
const bar = (share: number, width: number): string => {
  const filled = Math.round(8 * width * Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)));
  return `${'█'.repeat(Math.floor(filled / 8))}${eighths[filled % 8] ?? ''}`.padEnd(width, '·');
};

const paint = (text: string, colour: string, coloured: boolean): string => {
  if (!coloured) return text;
  const [red, green, blue] = [1, 3, 5].map((start) => Number.parseInt(colour.slice(start, start + 2), 16));
  return `\x1b[38;2;${red};${green};${blue}m${text}\x1b[0m`;
};
