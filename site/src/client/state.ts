import { entrants, type Options, type OptionValue, standardOptions } from '../race/entrants.ts';
import type { LaneSettings } from '../race/race.ts';
import { isRaceTask, type RaceTask } from '../race/task-names.ts';

/** Everything that the address of the playground says. */
export interface PlaygroundState {
  readonly task: RaceTask;
  readonly seed: number;
  readonly batch: number;
  readonly steps: number;
  readonly axis: 'step' | 'time';
  readonly lanes: readonly LaneSettings[];
}

export const initialState: PlaygroundState = {
  task: 'mlp',
  seed: 0,
  batch: 64,
  steps: 500,
  axis: 'step',
  lanes: ['soap-normalize-ema', 'soap', 'muon', 'adamw'].map((optimizer) => ({ optimizer, options: {} })),
};

/** `task=mlp&seed=0&batch=64&steps=500&axis=step&lane=soap(beta1=0.9)&lane=adamw`: only what is not as at the start of an optimizer is named. */
export function printState({ task, seed, batch, steps, axis, lanes }: PlaygroundState): string {
  const said = lanes.map(({ optimizer, options }) => {
    const standard = standardOptions(optimizer, task);
    const changed = Object.entries(options).filter(([name, value]) => value !== standard[name]);
    return `lane=${optimizer}${changed.length === 0 ? '' : `(${changed.map(([name, value]) => `${name}=${value}`).join(',')})`}`;
  });
  return [`task=${task}`, `seed=${seed}`, `batch=${batch}`, `steps=${steps}`, `axis=${axis}`, ...said].join('&');
}

/** Reads an address; what it does not say, or says wrongly, is as at the start. */
export function parseState(hash: string): PlaygroundState {
  const fields = decodeURIComponent(hash.replace(/^#/, ''))
    .split('&')
    .map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)] as const;
    });
  const whole = (name: string, least: number, most: number, fallback: number): number => {
    const value = Number(fields.find(([key]) => key === name)?.[1] ?? Number.NaN);
    return Number.isInteger(value) && value >= least && value <= most ? value : fallback;
  };
  const lanes = fields.flatMap(([key, value]) => (key === 'lane' ? laneOf(value) : []));
  const task = fields.find(([key]) => key === 'task')?.[1];
  return {
    task: isRaceTask(task) ? task : initialState.task,
    seed: whole('seed', 0, 2 ** 31, initialState.seed),
    batch: whole('batch', 1, 1000, initialState.batch),
    steps: whole('steps', 1, 20_000, initialState.steps),
    axis: fields.some(([key, value]) => key === 'axis' && value === 'time') ? 'time' : 'step',
    lanes: lanes.length === 0 ? initialState.lanes : lanes.slice(0, 8),
  };
}

function laneOf(text: string): LaneSettings[] {
  const [, optimizer = '', inside = ''] = /^([a-z-]+)(?:\((.*)\))?$/.exec(text) ?? [];
  const entrant = entrants.find(({ name }) => name === optimizer);
  if (entrant === undefined) return [];
  const options: Options = Object.fromEntries(
    inside.split(',').flatMap((setting): [string, OptionValue][] => {
      const [name = '', value = ''] = setting.split('=');
      const read = readOption(entrant.options[name], value);
      return read === undefined ? [] : [[name, read]];
    }),
  );
  return [{ optimizer, options }];
}

/** A value of the type that the option starts with; undefined if it is none, or there is no such option. */
export function readOption(standard: OptionValue | undefined, text: string): OptionValue | undefined {
  if (standard === undefined || text.trim() === '') return undefined;
  if (typeof standard === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
