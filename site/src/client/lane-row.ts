/// <reference lib="dom" preserve="true" />
import { entrantNamed, entrants, type Options, type OptionValue, standardOptions } from '../race/entrants.ts';
import type { LaneSettings } from '../race/race.ts';
import type { RaceTask } from '../race/task-names.ts';
import { readOption } from './state.ts';

export interface LaneEvents {
  /** Settings have changed; a rate may be changed while a race is on. */
  changed(what: 'rate' | 'options' | 'optimizer'): void;
  removed(): void;
}

const make = <K extends keyof HTMLElementTagNameMap>(tag: K, className = '', text = ''): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  if (text !== '') element.textContent = text;
  return element;
};

let rows = 0;

/** One optimizer of the race: which, its options, and how it stands. */
export class LaneRow {
  readonly element = make('section', 'lane');
  private readonly id = `lane${++rows}`;
  private readonly events: LaneEvents;
  private readonly dot = make('i', 'dot');
  private readonly choice = make('select');
  private readonly rate = make('input');
  private readonly slider = make('input');
  private readonly more = make('div', 'options');
  private readonly complaint = make('p', 'complaint');
  private readonly standing = { loss: make('b'), best: make('b'), accuracy: make('b'), time: make('b') };
  private task: RaceTask;
  private optimizer: string;
  private options: Options;

  constructor({ optimizer, options }: LaneSettings, task: RaceTask, events: LaneEvents) {
    [this.optimizer, this.options, this.task, this.events] = [optimizer, options, task, events];
    this.build();
    this.fill();
  }

  get settings(): LaneSettings {
    return { optimizer: this.optimizer, options: this.options };
  }

  get learningRate(): number {
    return Number(this.options['learningRate'] ?? standardOptions(this.optimizer, this.task)['learningRate']);
  }

  /** Another task: what was not set is as it starts there. */
  show(task: RaceTask): void {
    this.task = task;
    this.fill();
  }

  /** What the packages say about the options; null if they are right. */
  complain(complaint: string | null): void {
    this.complaint.textContent = complaint ?? '';
    this.element.classList.toggle('wrong', complaint !== null);
  }

  get isRight(): boolean {
    return !this.element.classList.contains('wrong');
  }

  stands(loss: number, best: number, accuracy: number | undefined, perStep: number): void {
    this.standing.loss.textContent = short(loss);
    this.standing.best.textContent = short(best);
    this.standing.accuracy.textContent = accuracy === undefined ? '–' : `${(100 * accuracy).toFixed(1)} %`;
    this.standing.time.textContent = `${perStep < 100 ? perStep.toPrecision(2) : Math.round(perStep)} ms`;
  }

  clear(): void {
    for (const value of Object.values(this.standing)) value.textContent = '–';
  }

  private build(): void {
    for (const { name, label } of entrants) this.choice.append(new Option(label, name));
    this.choice.setAttribute('aria-label', 'Optimizer');
    this.choice.addEventListener('change', () => {
      [this.optimizer, this.options] = [this.choice.value, {}];
      this.fill();
      this.events.changed('optimizer');
    });
    Object.assign(this.slider, { type: 'range', min: '-5', max: '1', step: '0.05' });
    this.slider.setAttribute('aria-label', 'Learning rate, on a logarithmic scale');
    this.slider.addEventListener('input', () => this.setRate(Number((10 ** Number(this.slider.value)).toPrecision(2))));
    Object.assign(this.rate, { type: 'text', inputMode: 'decimal', id: `${this.id}-rate` });
    this.rate.addEventListener('change', () => this.setRate(Number(readOption(1, this.rate.value) ?? Number.NaN)));
    const label = make('label', 'rate', 'rate ');
    label.append(this.rate);
    const remove = make('button', 'remove', '×');
    Object.assign(remove, { type: 'button' });
    remove.setAttribute('aria-label', 'Remove this optimizer');
    remove.addEventListener('click', () => this.events.removed());
    const head = make('div', 'head');
    head.append(this.dot, this.choice, label, this.slider, remove);
    const standing = make('dl', 'standing');
    const { loss, best, accuracy, time } = this.standing;
    for (const [name, value] of [
      ['loss', loss],
      ['best', best],
      ['accuracy', accuracy],
      ['a step', time],
    ] as const) {
      const [pair, term, says] = [make('div'), make('dt', '', name), make('dd')];
      says.append(value);
      pair.append(term, says);
      standing.append(pair);
    }
    const details = make('details');
    details.append(make('summary', '', 'options'), this.more);
    this.complaint.setAttribute('role', 'alert');
    this.element.append(head, standing, details, this.complaint);
    this.clear();
  }

  /** The fields of the optimizer at hand. */
  private fill(): void {
    const { colour } = entrantNamed(this.optimizer);
    const standard = standardOptions(this.optimizer, this.task);
    this.choice.value = this.optimizer;
    this.dot.style.background = colour;
    this.element.style.setProperty('--lane', colour);
    this.showRate();
    const fields = Object.entries(standard).filter(([name]) => name !== 'learningRate');
    this.more.replaceChildren(...fields.map(([name, value]) => this.field(name, this.options[name] ?? value, value)));
    this.complain(null);
  }

  private field(name: string, value: OptionValue, standard: OptionValue): HTMLElement {
    const isFlag = typeof standard === 'boolean';
    const label = make('label');
    const input = make('input');
    label.append(make('code', '', name), ' ', input);
    if (isFlag) Object.assign(input, { type: 'checkbox', checked: value === true });
    else Object.assign(input, { type: 'text', inputMode: 'decimal', value: String(value) });
    input.addEventListener('change', () => {
      const read = input.type === 'checkbox' ? input.checked : readOption(standard, input.value);
      if (read === undefined) this.complain(`${this.optimizer}: ${name} must be a number, received '${input.value}'`);
      else {
        this.options = { ...this.options, [name]: read };
        this.events.changed('options');
      }
    });
    return label;
  }

  private setRate(rate: number): void {
    if (!Number.isFinite(rate)) {
      this.complain(`${this.optimizer}: learningRate must be a number, received '${this.rate.value}'`);
      return;
    }
    this.options = { ...this.options, learningRate: rate };
    this.showRate();
    this.events.changed('rate');
  }

  private showRate(): void {
    this.rate.value = String(this.learningRate);
    this.slider.value = String(Math.log10(Math.max(1e-5, this.learningRate)));
  }
}

const short = (value: number): string => (Number.isFinite(value) ? (value < 1e-3 ? value.toExponential(1) : value.toPrecision(3)) : '∞');
