import { describe, expect, test } from 'vitest';
import { UsageError } from '../src/bench/options.ts';
import { type Choices, parseOptions } from './options.ts';
import { parseWorkerOptions } from './queue/worker-options.ts';

const choices: Choices = {
  tasks: ['rnn', 'convnet'],
  optimizers: ['adamw', 'soap', 'universal'],
  backends: ['wasm', 'reference'],
  cores: 4,
};
const defaults = {
  tasks: ['rnn', 'convnet'],
  optimizers: ['adamw', 'soap', 'universal'],
  rates: undefined,
  seeds: undefined,
  workers: 4,
  out: 'sweep-out',
  backend: 'wasm',
  quick: false,
  report: false,
  queue: undefined,
};

describe('what is understood', () => {
  test.each<[string[], object | 'help']>([
    [[], defaults],
    [['--', '--quick'], { ...defaults, quick: true }],
    [['--tasks', 'convnet, rnn'], { ...defaults, tasks: ['convnet', 'rnn'] }],
    [['--optimizers=soap'], { ...defaults, optimizers: ['soap'] }],
    [['--universal'], { ...defaults, optimizers: ['universal'] }],
    [['--rates', '0.1,1e-3, 0.1'], { ...defaults, rates: [0.001, 0.1] }],
    [
      ['--seeds', '5', '--workers', '2', '--out', 'x', '--backend', 'reference'],
      { ...defaults, seeds: 5, workers: 2, out: 'x', backend: 'reference' },
    ],
    [['--queue', 'redis://:secret@host:7000/2', '--report'], { ...defaults, queue: 'redis://:secret@host:7000/2', report: true }],
    [['--seeds', '5', '-h'], 'help'],
  ])('%j', (args, expected) => {
    expect(parseOptions(args, choices)).toEqual(expected);
  });
});

describe('what is refused, in one line', () => {
  test.each<[string[], string]>([
    [['--tasks', 'chess'], '--tasks: expected names separated by commas out of rnn, convnet, got "chess"'],
    [['--tasks', ''], '--tasks: expected names separated by commas out of rnn, convnet, got ""'],
    [['--optimizers', 'soap,soap'], '--optimizers: expected every name once, got "soap" twice'],
    [['--universal', '--optimizers', 'soap'], '--universal: expected none beside --optimizers, it means the optimizer universal'],
    [['--rates', '0'], '--rates: expected positive numbers separated by commas, got "0"'],
    [['--rates', '0.1,-1'], '--rates: expected positive numbers separated by commas, got "-1"'],
    [['--rates', '-1'], '--rates: expected positive numbers separated by commas, got "-1"'],
    [['--rates', '-.5', '--quick'], '--rates: expected positive numbers separated by commas, got "-.5"'],
    [['--seeds', '-2'], '--seeds: expected a whole number from 1 to 100, got "-2"'],
    [['--rates', '0.1,'], '--rates: expected positive numbers separated by commas, got ""'],
    [['--rates', 'NaN'], '--rates: expected positive numbers separated by commas, got "NaN"'],
    [['--rates', 'Infinity'], '--rates: expected positive numbers separated by commas, got "Infinity"'],
    [['--seeds', '0'], '--seeds: expected a whole number from 1 to 100, got "0"'],
    [['--workers', '1.5'], '--workers: expected a whole number from 1 to 1024, got "1.5"'],
    [['--out', ''], '--out: expected a folder, got ""'],
    [['--backend', 'gpu'], '--backend: expected one of wasm, reference, got "gpu"'],
    [
      ['--queue', 'redis://host', '--workers', '2'],
      '--workers: expected none beside --queue, whose workers are started with pnpm sweep-worker',
    ],
    [['--queue', 'http://host'], '--queue: expected an address such as redis://localhost:6379, got "http://host"'],
    [['--queue', 'host:6379'], '--queue: expected an address such as redis://localhost:6379, got "host:6379"'],
  ])('%j', (args, message) => {
    expect(() => parseOptions(args, choices)).toThrow(new UsageError(message));
  });

  test.each([[['--speed', '3']], [['rnn']], [['--quick=yes']], [['--seeds']], [['--seeds', '1', '--', 'x']]])('%j', (args) => {
    const thrown = () => parseOptions(args, choices);
    expect(thrown).toThrow(UsageError);
    expect(thrown).toThrow(/^[^\n]+$/);
  });
});

describe('a worker', () => {
  const queue = 'redis://localhost:6379';
  test('has a server and defaults', () => {
    expect(parseWorkerOptions(['--queue', queue], 4)).toMatchObject({ queue, workers: 4, lock: 30, idle: undefined });
    expect(parseWorkerOptions(['--queue', queue, '--workers', '1', '--idle', '60', '--lock', '5', '--name', 'a'], 4)).toEqual({
      queue,
      workers: 1,
      idle: 60,
      lock: 5,
      name: 'a',
    });
    expect(parseWorkerOptions(['--help'], 4)).toBe('help');
  });

  test.each<[string[], string]>([
    [[], '--queue: expected an address such as redis://localhost:6379, got nothing'],
    [['--queue', queue, '--idle', '0'], '--idle: expected a whole number from 1 to 86400, got "0"'],
    [['--queue', queue, '--lock', 'x'], '--lock: expected a whole number from 1 to 86400, got "x"'],
  ])('refuses %j', (args, message) => {
    expect(() => parseWorkerOptions(args, 4)).toThrow(new UsageError(message));
  });
});
