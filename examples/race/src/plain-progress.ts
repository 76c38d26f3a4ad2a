import { duration, figure } from './figures.ts';
import { type Moment, type Progress, recentLoss, remaining, type Screen } from './moment.ts';

/** One line at about every tenth of the way: for pipes, files and logs. */
export const plainProgress = (screen: Screen): Progress => {
  let title = '';
  return {
    show(moment) {
      if (moment.title !== title) {
        title = moment.title;
        screen.write(`${title}\n`);
      }
      if (tenth(moment.step, moment.steps) > tenth(moment.step - 1, moment.steps)) screen.write(`${line(moment)}\n`);
    },
  };
};

const tenth = (step: number, steps: number): number => Math.floor((10 * step) / steps);

const line = (moment: Moment): string => {
  const { step, steps, lanes } = moment;
  const losses = lanes.map((state) => `${state.lane.label} ${state.diverged ? 'diverged' : figure(recentLoss(state))}`);
  const share = `${Math.round((100 * step) / steps)} %`;
  return `  step ${String(step).padStart(String(steps).length)}/${steps} (${share})  loss: ${losses.join(', ')}  (${duration(remaining(moment))} left)`;
};
