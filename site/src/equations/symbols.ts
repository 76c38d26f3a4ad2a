import type { ExplainedProgram, Shape } from '@opt/core';
import type { Statement } from './expression.ts';
import { countId, hyperId, inputId, outputId } from './statements.ts';

/** The letters that papers give the options. */
const greek: Readonly<Record<string, string>> = {
  learningRate: '\\eta',
  weightDecay: '\\lambda',
  beta: '\\beta',
  beta1: '\\beta_1',
  beta2: '\\beta_2',
  beta3: '\\beta_3',
  epsilon: '\\varepsilon',
  momentum: '\\mu',
  alpha: '\\alpha',
  gamma: '\\gamma',
  rho: '\\rho',
  eta: '\\eta_e',
  shampooBeta: '\\beta_s',
  emaBeta: '\\beta_e',
  emaRate: '\\beta_e',
  maxEmaGrowth: 'r',
  emaMomentum: '\\mu_e',
  dampening: '\\tau',
  lookahead: '\\ell',
  lookaheadEma: '\\beta_\\ell',
  outerLearningRate: '\\eta_o',
  outerMomentum: '\\mu_o',
};

/** What a letter of the equations stands for. */
export interface Letter {
  readonly id: string;
  readonly tex: string;
  readonly kind: 'parameter' | 'gradient' | 'state' | 'hyper' | 'count' | 'other';
  /** The option's address, the slot's name. */
  readonly about: string;
}

const word = (name: string): string => `\\mathrm{${name.replace(/[^A-Za-z0-9]+/g, '\\,')}}`;

/** `Q0` is Q with the index 0, `m` is m, a word stands upright. */
function letter(name: string, index: string, above: string): string {
  const [, stem = name, number = ''] = /^([A-Za-z]+?)(\d*)$/.exec(name) ?? [];
  const base = stem.length === 1 ? stem : word(stem);
  return `${base}${above === '' ? '' : `^{${word(above)}}`}_{${number === '' ? '' : `${number},\\,`}${index}}`;
}

/** Letters for everything a program reads and writes. */
export function symbolsOf({ program, lags }: Pick<ExplainedProgram, 'program' | 'lags'>): readonly Letter[] {
  const keys = [...new Set([...program.inputs, ...program.outputs].map(({ key }) => key))];
  const slots = keys.map((key) => slotOf(key).slot);
  const held = keys.flatMap((key): Letter[] => {
    const { slot, stage } = slotOf(key);
    // W is the weights' own.
    const twice = slot === 'W' || slots.filter((one) => one === slot).length > 1;
    if (slot === 'parameter') return pair(key, 'W', '', 'parameter', 'the weights');
    if (slot === 'gradient') return [{ id: inputId(key), tex: 'G_t', kind: 'gradient', about: 'the gradient' }];
    return pair(key, slot, twice ? stage : '', 'state', key.replace(/:.*$/, ''));
  });
  const hypers = program.host.hypers.map((address): Letter => {
    const parts = address.split(/[./]/);
    const name = parts.at(-1) ?? address;
    const owner = parts.slice(0, -1).join(' ');
    const base = greek[name] ?? word(name);
    return { id: hyperId(address), tex: owner === '' ? base : `{${base}}^{${word(owner)}}`, kind: 'hyper', about: address };
  });
  const counts = program.host.counters.map((counter, i): Letter => {
    const lag = lags[i];
    const offset = lag === undefined ? undefined : -lag;
    const tex = offset === undefined ? `n_{${i + 1}}` : offset === 0 ? 't' : `(t${offset < 0 ? '' : '+'}${offset})`;
    return { id: countId(counter), tex, kind: 'count', about: counter };
  });
  return [...held, ...hypers, ...counts, { id: 'call', tex: 't', kind: 'count', about: 'call' }];
}

function slotOf(key: string): { readonly slot: string; readonly stage: string } {
  const [path = key] = key.split(':');
  const dot = path.lastIndexOf('.');
  return { slot: path.slice(dot + 1), stage: dot < 0 ? '' : path.slice(0, dot) };
}

const pair = (key: string, name: string, above: string, kind: Letter['kind'], about: string): Letter[] => [
  { id: inputId(key), tex: letter(name, 't-1', above), kind, about },
  { id: outputId(key), tex: letter(name, 't', above), kind, about },
];

/** Letters for what the statements name themselves: matrices X, vectors x, numbers s, what loops carry Y; numbered as they come. */
export function lettersOf(
  statements: readonly Statement[],
  letters: Map<string, string> = new Map(),
  used: Map<string, number> = new Map(),
): Map<string, string> {
  const give = (id: string, of: string): void => {
    const n = (used.get(of) ?? 0) + 1;
    used.set(of, n);
    letters.set(id, `${of}_{${n}}`);
  };
  for (const statement of statements) {
    if (statement.kind === 'definition') {
      if (!statement.id.startsWith('output ')) give(statement.id, letterFor(statement.shape));
      continue;
    }
    for (const { id } of statement.carried) give(id, 'Y');
    lettersOf(statement.until?.statements ?? [], letters, used);
    lettersOf(statement.body, letters, used);
  }
  return letters;
}

const letterFor = (shape: Shape): string => {
  const axes = shape.filter((length) => length > 1).length;
  return axes >= 2 ? 'X' : axes === 1 ? 'x' : 's';
};
