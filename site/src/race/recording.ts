import type { Mnist1d } from './data.ts';
import type { Options, OptionValue } from './entrants.ts';
import { type LaneSettings, type RaceSettings, race } from './race.ts';
import { isRaceTask, raceTasks } from './task-names.ts';

export const recordingFormat = 'opt-race/1';

/** A learning rate that was changed after so many steps. */
export interface RateChange {
  readonly step: number;
  readonly lane: number;
  readonly rate: number;
}

/** A race as it was run, to be run again anywhere. */
export interface Recording {
  readonly format: typeof recordingFormat;
  readonly settings: RaceSettings;
  readonly changes: readonly RateChange[];
  /** By lane: every step's loss, and the bits of the weights after the last. */
  readonly results: readonly { readonly losses: readonly number[]; readonly weights: string }[];
}

/** What differs between a recording and the same race run here; nothing if every loss and every weight is equal to the last bit. */
export async function replay({ settings, changes, results }: Recording, data: () => Mnist1d | Promise<Mnist1d>): Promise<string[]> {
  const steps = results[0]?.losses.length ?? 0;
  const again = await race(settings, data);
  const differences: string[] = [];
  for (let step = 0; step < steps; step++) {
    for (const change of changes) if (change.step === step) again.setRate(change.lane, change.rate);
    again.step().forEach(({ loss }, lane) => {
      const recorded = results[lane]?.losses[step];
      if (!Object.is(loss, recorded)) differences.push(`step ${step + 1}, lane ${lane}: loss ${loss}, recorded ${recorded}`);
    });
  }
  again.fingerprints().forEach((weights, lane) => {
    if (weights !== results[lane]?.weights) differences.push(`lane ${lane}: weights ${weights}, recorded ${results[lane]?.weights}`);
  });
  again.dispose();
  return differences;
}

/** Reads a downloaded recording. @throws Error, saying what is wrong with it */
export function parseRecording(text: string): Recording {
  const value: unknown = JSON.parse(text);
  const file = fields(value, 'the file');
  if (file['format'] !== recordingFormat) throw new Error(`format must be '${recordingFormat}', received ${String(file['format'])}`);
  const settings = fields(file['settings'], 'settings');
  const lanes = list(settings['lanes'], 'settings.lanes').map((lane, i): LaneSettings => {
    const { optimizer, options } = fields(lane, `lane ${i}`);
    if (typeof optimizer !== 'string') throw new Error(`lane ${i}: optimizer must be a name`);
    return { optimizer, options: optionsOf(fields(options, `options of lane ${i}`)) };
  });
  const changes = list(file['changes'], 'changes').map((change): RateChange => {
    const { step, lane, rate } = fields(change, 'a change');
    return { step: number(step, 'step'), lane: number(lane, 'lane'), rate: number(rate, 'rate') };
  });
  const results = list(file['results'], 'results').map((result) => {
    const { losses, weights } = fields(result, 'a result');
    // JSON has no NaN: a loss that was none is null.
    const read = list(losses, 'losses').map((loss) => (loss === null ? Number.NaN : number(loss, 'a loss')));
    return { losses: read, weights: String(weights) };
  });
  // Recordings from when there was one task do not name it.
  const task = settings['task'] ?? 'mlp';
  if (!isRaceTask(task)) throw new Error(`task must be one of ${raceTasks.map(({ name }) => name).join(', ')}, received ${String(task)}`);
  return {
    format: recordingFormat,
    settings: { task, seed: number(settings['seed'], 'seed'), batch: number(settings['batch'], 'batch'), lanes },
    changes,
    results,
  };
}

function fields(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object`);
  return Object.fromEntries(Object.entries(value));
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} must be a list`);
  return value;
}

function number(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`${what} must be a number`);
  return value;
}

const isOption = (entry: readonly [string, unknown]): entry is [string, OptionValue] =>
  typeof entry[1] === 'number' || typeof entry[1] === 'boolean';

function optionsOf(given: Readonly<Record<string, unknown>>): Options {
  const entries = Object.entries(given);
  const wrong = entries.find((entry) => !isOption(entry));
  if (wrong) throw new Error(`option ${wrong[0]} must be a number, true or false`);
  return Object.fromEntries(entries.filter(isOption));
}
