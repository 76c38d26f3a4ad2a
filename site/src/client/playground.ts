/// <reference lib="dom" preserve="true" />
import { entrantNamed, entrants } from '../race/entrants.ts';
import type { LaneState } from '../race/race.ts';
import { isRaceTask, raceTasks } from '../race/task-names.ts';
import { remember as keep, opened } from './address.ts';
import { Chart, type Curve } from './chart.ts';
import { LaneRow } from './lane-row.ts';
import type { Reply, Request } from './messages.ts';
import { finder } from './page.ts';
import { initialState, parseState, printState } from './state.ts';

interface Track extends Curve {
  readonly times: number[];
  readonly losses: number[];
  best: number;
}

const here = document.querySelector<HTMLElement>('.playground');
if (here) playground(here);

function playground(root: HTMLElement): void {
  const find = finder(root);
  const input = (name: string): HTMLInputElement => find(`input[name=${name}]`, HTMLInputElement);
  const button = (name: string): HTMLButtonElement => find(`button[name=${name}]`, HTMLButtonElement);
  const axis = find('select[name=axis]', HTMLSelectElement);
  const task = find('select[name=task]', HTMLSelectElement);
  const says = find('output', HTMLOutputElement);
  const lanes = find('.lanes', HTMLElement);
  const chart = new Chart(find('.chart', HTMLElement));
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const ask = (request: Request): void => worker.postMessage(request);

  let rows: LaneRow[] = [];
  let racing: LaneRow[] = [];
  let tracks: Track[] = [];
  let accuracies: readonly number[] = [];
  let [started, running, done, steps] = [false, false, false, 0];

  const axisChosen = (): 'step' | 'time' => (axis.value === 'time' ? 'time' : 'step');
  const taskChosen = () => (isRaceTask(task.value) ? task.value : initialState.task);
  const state = () => ({
    task: taskChosen(),
    seed: Number(input('seed').value),
    batch: Number(input('batch').value),
    steps: Number(input('steps').value),
    axis: axisChosen(),
    lanes: rows.map(({ settings }) => settings),
  });
  const remember = (): void => keep(printState(state()));
  const buttons = (): void => {
    button('run').textContent = running ? 'Pause' : started && !done ? 'Go on' : done ? 'Run again' : 'Run';
    // Only the MLP is the same bits everywhere: the other tasks' gradients come from kernels that may fuse multiply and add.
    button('record').disabled = steps === 0 || taskChosen() !== 'mlp';
    button('add').disabled = rows.length >= 8;
  };
  const draw = (): void => chart.show(tracks, axisChosen(), Math.max(steps, state().steps));

  const reset = (): void => {
    if (started) ask({ kind: 'pause' });
    [started, running, done, steps] = [false, false, false, 0];
    [tracks, accuracies, racing] = [[], [], []];
    for (const row of rows) row.clear();
    says.value = 'ready';
    draw();
    buttons();
  };

  const start = (): boolean => {
    if (rows.some((row) => !row.isRight)) {
      says.value = 'an option is not right, see below';
      return false;
    }
    const { task, seed, batch, lanes: settings, steps: most } = parseState(printState(state()));
    reset();
    started = true;
    racing = [...rows];
    tracks = settings.map(({ optimizer }) => ({
      label: entrantNamed(optimizer).label,
      colour: entrantNamed(optimizer).colour,
      times: [],
      losses: [],
      best: Infinity,
    }));
    draw();
    says.value = 'compiling …';
    ask({ kind: 'start', settings: { task, seed, batch, lanes: settings }, steps: most, data: new URL('../data/', import.meta.url).href });
    return true;
  };

  const add = (row: LaneRow): void => {
    rows.push(row);
    lanes.append(row.element);
  };
  const rowOf = (settings: LaneRow['settings']): LaneRow => {
    const row = new LaneRow(settings, taskChosen(), {
      changed(what) {
        const lane = racing.indexOf(row);
        if (what === 'rate' && started && lane >= 0) ask({ kind: 'rate', lane, rate: row.learningRate });
        else if (started && what === 'optimizer') reset();
        ask({ kind: 'check', row: rows.indexOf(row), ...row.settings });
        remember();
      },
      removed() {
        rows = rows.filter((one) => one !== row);
        row.element.remove();
        reset();
        remember();
      },
    });
    return row;
  };

  const progress = (states: readonly (readonly LaneState[])[], tested: readonly number[] | null): void => {
    for (const all of states) {
      all.forEach(({ loss, milliseconds }, lane) => {
        const track = tracks[lane];
        if (track === undefined) return;
        track.losses.push(loss);
        track.times.push(milliseconds);
        track.best = Math.min(track.best, loss);
      });
    }
    accuracies = tested ?? accuracies;
    tracks.forEach(({ losses, times, best }, lane) => {
      racing[lane]?.stands(losses.at(-1) ?? Number.NaN, best, accuracies[lane], (times.at(-1) ?? 0) / Math.max(1, times.length));
    });
    says.value = `step ${steps}`;
    chart.changed();
    buttons();
  };

  worker.addEventListener('message', ({ data: reply }: MessageEvent<Reply>) => {
    if (reply.kind === 'checked') rows[reply.row]?.complain(reply.complaint);
    if (reply.kind === 'progress' && started) {
      steps = reply.steps;
      progress(reply.states, reply.accuracies);
    }
    if (reply.kind === 'state' && started) {
      [running, done] = [reply.running, reply.done];
      if (done) says.value = `done: ${steps} steps`;
      buttons();
    }
    if (reply.kind === 'recording') download(`race-${reply.recording.settings.seed}-${steps}.json`, JSON.stringify(reply.recording));
    if (reply.kind === 'failed') {
      reset();
      says.value = `failed: ${reply.message}`;
    }
  });

  button('run').addEventListener('click', () => {
    if (running) ask({ kind: 'pause' });
    else if (started && !done) ask({ kind: 'go' });
    else if (start()) ask({ kind: 'go' });
  });
  button('step').addEventListener('click', () => {
    if (started || start()) ask({ kind: 'step' });
  });
  button('reset').addEventListener('click', reset);
  button('record').addEventListener('click', () => ask({ kind: 'record' }));
  button('add').addEventListener('click', () => {
    const next = entrants.find(({ name }) => !rows.some(({ settings }) => settings.optimizer === name)) ?? entrants[0];
    if (next) add(rowOf({ optimizer: next.name, options: {} }));
    reset();
    remember();
  });
  const showTask = (): void => {
    // The other tasks have batches of their own, or none.
    input('batch').disabled = taskChosen() !== 'mlp';
    for (const row of rows) row.show(taskChosen());
  };
  task.addEventListener('change', () => {
    showTask();
    reset();
    remember();
  });
  axis.addEventListener('change', () => {
    draw();
    remember();
  });
  for (const name of ['seed', 'batch', 'steps'])
    input(name).addEventListener('change', () => {
      reset();
      remember();
    });

  const open = (address: string): void => {
    const wanted = parseState(address);
    task.value = wanted.task;
    for (const row of rows) row.element.remove();
    rows = [];
    for (const name of ['seed', 'batch', 'steps'] as const) input(name).value = String(wanted[name]);
    axis.value = wanted.axis;
    for (const settings of wanted.lanes) add(rowOf(settings));
    for (const [row, { settings }] of rows.entries()) ask({ kind: 'check', row, ...settings });
    showTask();
    reset();
  };
  for (const { name, label } of raceTasks) task.append(new Option(label, name));
  opened(open);
}

function download(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
