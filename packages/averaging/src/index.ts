export { type EmaNesterovOptions, emaNesterov } from './ema-nesterov.ts';
export { type OuterNesterovOptions, outerNesterov } from './outer-nesterov.ts';
export { type OuterStepsOptions, outerSteps } from './outer-steps.ts';
export {
  type ScheduleFreeAdamWOptions,
  type ScheduleFreeOptions,
  type ScheduleFreeSgdOptions,
  scheduleFree,
  scheduleFreeAdamW,
  scheduleFreeSgd,
} from './schedule-free.ts';
export { type TailAverageOptions, tailAverage } from './tail-average.ts';
