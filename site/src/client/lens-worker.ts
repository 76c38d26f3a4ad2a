/// <reference lib="webworker" preserve="true" />
import { type Glimpse, Lens } from '../lens/lens.ts';
import type { Mnist1d } from '../race/data.ts';
import type { LensReply, LensRequest } from './lens-messages.ts';
import { loadData } from './load-data.ts';

const reply = (message: LensReply): void => postMessage(message);

/** How long the worker trains before it looks for messages, steps between heat maps, and points of the slice along each side. */
const [slice, mapsEvery, size] = [60, 10, 21];

/** One run; a later one takes its place whatever it is at. */
class Run {
  private readonly lens: Lens;
  private running = false;
  private over = false;

  constructor(lens: Lens) {
    this.lens = lens;
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

  dispose(): void {
    if (!this.over) this.lens.dispose();
    [this.running, this.over] = [false, true];
  }

  private some(): void {
    if (!this.running) return;
    const until = performance.now() + slice;
    const glimpses: Glimpse[] = [];
    let maps = false;
    while (performance.now() < until && !this.lens.done && !maps) {
      const glimpse = this.lens.step();
      glimpses.push(glimpse);
      maps = glimpse.step % mapsEvery === 1;
    }
    reply({ kind: 'glimpses', glimpses, maps: maps || this.lens.done ? this.lens.maps() : null });
    if (this.lens.done) this.cut();
    else setTimeout(() => this.some(), 0);
  }

  /** The slice, row by row; who starts anew meanwhile is heard between two. */
  private cut(): void {
    const plane = this.lens.plane();
    reply({ kind: 'plane', paths: plane.paths, share: plane.share, size });
    const rows = this.lens.slice(plane, size);
    const next = (row: number): void => {
      if (this.over) return;
      const { value, done } = rows.next();
      if (done) {
        this.running = false;
        this.say();
        return;
      }
      reply({ kind: 'row', row, losses: value });
      setTimeout(() => next(row + 1), 0);
    };
    next(0);
  }

  private say(): void {
    reply({ kind: 'state', running: this.running, done: this.lens.done });
  }
}

let run: Run | undefined;
let data: Promise<Mnist1d> | undefined;

async function answer(request: LensRequest): Promise<void> {
  if (request.kind === 'start') {
    run?.dispose();
    run = undefined;
    data ??= loadData(request.data);
    run = new Run(await Lens.begin(request.settings, await data));
    run.go();
  } else if (request.kind === 'go') run?.go();
  else run?.pause();
}

let answered = Promise.resolve();
addEventListener('message', ({ data: request }: MessageEvent<LensRequest>) => {
  answered = answered
    .then(() => answer(request))
    .catch((error: unknown) => reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }));
});
