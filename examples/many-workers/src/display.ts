import { figure, percentage } from '../../race/src/figures.ts';

/** A worker as it stands. */
export interface Standing {
  readonly name: string;
  readonly step: number;
  readonly steps: number;
  /** Turns its own contribution counted in, and did not. */
  readonly counted: number;
  readonly missed: number;
  readonly sent: number;
  readonly restarts: number;
  readonly refused: number;
}

export interface Moment {
  readonly turn: number;
  readonly turns: number;
  readonly members: readonly string[];
  /** How many workers the run has, here and elsewhere. */
  readonly size: number;
  readonly workers: readonly Standing[];
  readonly loss: number;
  readonly tested: { readonly loss: number; readonly accuracy: number } | undefined;
  /** Whether all digests of all turns agree. */
  readonly alike: boolean;
}

interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export const bytes = (count: number): string =>
  count < 1000 ? `${count} B` : count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;

const heading = ({ turn, turns, members, size, loss, tested, alike }: Moment): string =>
  [
    `round ${String(turn).padStart(String(turns).length)}/${turns}`,
    `${members.length} of ${size} counted`,
    `loss ${figure(loss)}`,
    ...(tested === undefined
      ? []
      : [`test ${figure(tested.loss)}${Number.isNaN(tested.accuracy) ? '' : `, ${percentage(tested.accuracy)}`}`]),
    alike ? 'replicas alike' : 'REPLICAS DIFFER',
  ].join('  ');

const workerLine = ({ name, step, steps, counted, missed, sent, restarts, refused }: Standing, members: readonly string[]): string => {
  const notes = [
    ...(missed > 0 ? [`${missed} missed`] : []),
    ...(restarts > 0 ? [`came back ${restarts} ×`] : []),
    ...(refused > 0 ? [`refused ${refused}`] : []),
  ];
  const bar = '█'.repeat(Math.round((20 * step) / steps)).padEnd(20, '░');
  return `  ${members.includes(name) ? '●' : '○'} ${name}  ${bar}  ${String(counted).padStart(4)} counted  ${bytes(sent).padStart(8)}  ${notes.join(', ')}`;
};

/** On a terminal a few lines that are redrawn in place; elsewhere a line a round. Every frame leaves the terminal as it found it. */
export const display = (screen: Screen): ((moment: Moment) => void) => {
  let [height, told] = [0, 0];
  return (moment) => {
    if (screen.isTTY !== true) {
      if (moment.turn > told) screen.write(`${heading(moment)}  ${bytes(moment.workers.reduce((sum, { sent }) => sum + sent, 0))}\n`);
      told = Math.max(told, moment.turn);
      return;
    }
    const lines = [heading(moment), ...moment.workers.map((worker) => workerLine(worker, moment.members))];
    const up = height > 0 ? `\x1b[${height}A` : '';
    // Long lines must not wrap, or going back up would miss some.
    screen.write(`\x1b[?7l${up}${lines.map((line) => `\r\x1b[2K${line}\n`).join('')}\x1b[?7h`);
    height = lines.length;
  };
};
