/// <reference lib="webworker" preserve="true" />
import type { Mnist1d } from '../race/data.ts';
import { entrantNamed } from '../race/entrants.ts';
import { type LaneState, type Race, type RaceSettings, race } from '../race/race.ts';
import { type RateChange, recordingFormat } from '../race/recording.ts';
import { loadData } from './load-data.ts';
import type { Reply, Request } from './messages.ts';
import { offer } from './mnist1d.ts';

const reply = (message: Reply): void => postMessage(message);

/** How long the worker trains before it looks for messages, and how often it is tested. */
const [slice, testEvery] = [40, 50];

class Training {
  readonly settings: RaceSettings;
  private readonly steps: number;
  private readonly race: Race;
  private readonly losses: number[][];
  private readonly changes: RateChange[] = [];
  private running = false;

  constructor(settings: RaceSettings, steps: number, race: Race) {
    this.settings = settings;
    this.steps = steps;
    this.race = race;
    this.losses = settings.lanes.map(() => []);
  }

  go(): void {
    if (this.running) return;
    this.running = true;
    this.say();
    this.some();
  }

  pause(): void {
    this.running = false;
    this.say();
  }

  once(): void {
    this.pause();
    if (!this.done) this.send([this.step()]);
    this.say();
  }

  setRate(lane: number, rate: number): void {
    this.race.setRate(lane, rate);
    this.changes.push({ step: this.race.steps, lane, rate });
  }

  record(): void {
    const results = this.race.fingerprints().map((weights, lane) => ({ losses: this.losses[lane] ?? [], weights }));
    reply({ kind: 'recording', recording: { format: recordingFormat, settings: this.settings, changes: this.changes, results } });
  }

  dispose(): void {
    this.running = false;
    this.race.dispose();
  }

  private get done(): boolean {
    return this.race.steps >= this.steps;
  }

  private step(): readonly LaneState[] {
    const states = this.race.step();
    states.forEach(({ loss }, lane) => void this.losses[lane]?.push(loss));
    return states;
  }

  /** Steps for one slice of time, then lets messages come in. */
  private some(): void {
    if (!this.running) return;
    const until = performance.now() + slice;
    const states: (readonly LaneState[])[] = [];
    while (performance.now() < until && !this.done) {
      states.push(this.step());
      if (this.race.steps % testEvery === 0) break;
    }
    this.send(states);
    if (this.done) this.pause();
    else setTimeout(() => this.some(), 0);
  }

  private send(states: readonly (readonly LaneState[])[]): void {
    const tested = this.race.steps % testEvery === 0 || this.done;
    reply({ kind: 'progress', steps: this.race.steps, states, accuracies: tested ? this.race.accuracies() : null });
  }

  private say(): void {
    reply({ kind: 'state', running: this.running, done: this.done });
  }
}

let training: Training | undefined;
let data: Promise<Mnist1d> | undefined;

async function answer(request: Request): Promise<void> {
  switch (request.kind) {
    case 'check':
      reply({ kind: 'checked', row: request.row, complaint: complaintAbout(request) });
      return;
    case 'start':
      training?.dispose();
      training = undefined;
      training = new Training(
        request.settings,
        request.steps,
        await race(request.settings, async () => {
          data ??= loadData(request.data);
          const loaded = await data;
          offer(loaded);
          return loaded;
        }),
      );
      return;
    case 'rate':
      training?.setRate(request.lane, request.rate);
      return;
    case 'go':
      training?.go();
      return;
    case 'pause':
      training?.pause();
      return;
    case 'step':
      training?.once();
      return;
    case 'record':
      training?.record();
      return;
  }
}

function complaintAbout({ optimizer, options }: Request & { readonly kind: 'check' }): string | null {
  try {
    entrantNamed(optimizer).make(options);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

// One after the other: what is asked while data are loaded waits for them.
let answered = Promise.resolve();
addEventListener('message', ({ data: request }: MessageEvent<Request>) => {
  answered = answered
    .then(() => answer(request))
    .catch((error: unknown) => reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }));
});
