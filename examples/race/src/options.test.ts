import { describe, expect, test } from 'vitest';
import { type Choices, parseOptions, UsageError } from './options.ts';

const choices: Choices = {
  optimizers: ['sgd', 'adamw', 'soap'],
  backends: [
    { name: 'reference', steps: 80 },
    { name: 'wasm', steps: 1000 },
  ],
  sampleCount: 4000,
  defaults: { optimizers: ['sgd', 'adamw', 'soap'], batch: 64, seed: 0, backend: 'wasm', sweep: false },
};

describe('what is understood', () => {
  const defaults = { ...choices.defaults, steps: 1000 };
  test.each<[string, string[], ReturnType<typeof parseOptions>]>([
    ['nothing: the defaults', [], defaults],
    ['a few optimizers, in the order given', ['--optimizers', 'soap,sgd'], { ...defaults, optimizers: ['soap', 'sgd'] }],
    ['spaces after commas', ['--optimizers', 'soap, sgd'], { ...defaults, optimizers: ['soap', 'sgd'] }],
    [
      'everything at once',
      ['--steps', '5', '--batch=32', '--seed', '7', '--backend', 'reference', '--sweep'],
      { ...defaults, steps: 5, batch: 32, seed: 7, backend: 'reference', sweep: true },
    ],
    ['the -- that pnpm hands on', ['--', '--steps', '5'], { ...defaults, steps: 5 }],
    ['the last of two', ['--steps', '5', '--steps', '6'], { ...defaults, steps: 6 }],
    ['fewer steps on a slower backend', ['--backend', 'reference'], { ...defaults, backend: 'reference', steps: 80 }],
    ['but as many as asked for', ['--steps', '7', '--backend', 'reference'], { ...defaults, backend: 'reference', steps: 7 }],
    ['help', ['--help'], 'help'],
    ['help, short, beside others', ['--steps', '5', '-h'], 'help'],
  ])('%s', (_, args, result) => {
    expect(parseOptions(args, choices)).toEqual(result);
  });
});

describe('what is refused, in one line', () => {
  test.each<[string[], string]>([
    [['--optimizers', 'sgd,adam'], '--optimizers: expected names separated by commas out of sgd, adamw, soap, got "sgd,adam"'],
    [['--optimizers', ''], '--optimizers: expected names separated by commas out of sgd, adamw, soap, got ""'],
    [['--optimizers', 'sgd,sgd'], '--optimizers: expected every name once, got "sgd" twice'],
    [['--steps', '0'], '--steps: expected a whole number from 1 to 100000, got "0"'],
    [['--steps', 'NaN'], '--steps: expected a whole number from 1 to 100000, got "NaN"'],
    [['--steps', '1.5'], '--steps: expected a whole number from 1 to 100000, got "1.5"'],
    [['--steps', '1e3'], '--steps: expected a whole number from 1 to 100000, got "1e3"'],
    [['--steps', '-5'], '--steps: expected a whole number from 1 to 100000, got "-5"'],
    [['--steps', '--sweep'], '--steps: expected a whole number from 1 to 100000, got "--sweep"'],
    [['--steps', '5\n6'], '--steps: expected a whole number from 1 to 100000, got "5\\n6"'],
    [['--steps'], '--steps: expected a whole number from 1 to 100000, got nothing'],
    [['--batch', '4001'], '--batch: expected a whole number from 1 to 4000, got "4001"'],
    [['--batch', '0'], '--batch: expected a whole number from 1 to 4000, got "0"'],
    [['--seed', '-1'], '--seed: expected a whole number from 0 to 1073741823, got "-1"'],
    [['--seed', 'Infinity'], '--seed: expected a whole number from 0 to 1073741823, got "Infinity"'],
    [['--backend', 'gpu'], '--backend: expected one of reference, wasm, got "gpu"'],
    [['--sweep=yes'], '--sweep: takes no value, got "yes"'],
    [['--help=me'], '--help: takes no value, got "me"'],
    [['--step', '5'], '--step: unknown option; expected one of --optimizers, --steps, --batch, --seed, --backend, --sweep, --help'],
    [['-x'], '-x: unknown option; expected one of --optimizers, --steps, --batch, --seed, --backend, --sweep, --help'],
    [
      ['--__proto__', '5'],
      '--__proto__: unknown option; expected one of --optimizers, --steps, --batch, --seed, --backend, --sweep, --help',
    ],
    [['soap'], 'expected only options, got "soap"; see --help'],
    [['--sweep', '--', 'soap'], 'nothing may follow --; see --help'],
  ])('%j', (args, message) => {
    expect(() => parseOptions(args, choices)).toThrow(new UsageError(message));
    expect(message).not.toContain('\n');
  });
});
