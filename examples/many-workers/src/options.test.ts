import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('parseOptions', () => {
  it('has defaults, and takes what is given', () => {
    expect(parseOptions([])).toMatchObject({
      workers: 4,
      task: 'mlp-mini-batch',
      optimizer: 'adamw',
      every: 25,
      codec: 'table',
      alone: true,
    });
    expect(parseOptions(['--', '--workers', '2', '--mailbox', 'dir:/tmp/m', '--no-yardstick'])).toMatchObject({
      workers: 2,
      mailbox: 'dir:/tmp/m',
      alone: false,
    });
    expect(parseOptions(['--rate', '1e-2', '--decay', '--outer-rate', '1', '--outer-momentum', '0.5'])).toMatchObject({
      rate: 0.01,
      decay: true,
      outerRate: 1,
      outerMomentum: 0.5,
    });
    expect(parseOptions(['--help'])).toBe('help');
  });

  it.each([
    [['--workers', '0'], '--workers: expected a whole number from 1 to 64, got "0"'],
    [['--mailbox', 'ftp://x'], '--mailbox: expected dir:/a/folder, redis://… or nats://…, got "ftp://x"'],
    [['--task', 'quadratic'], '--task: expected one of mlp-mini-batch, convnet, rnn, autoencoder, segmentation, got "quadratic"'],
    [['--codec', 'gzip'], '--codec: expected one of table, two-bits, f16, sparse, none, got "gzip"'],
    [['--outer', 'adam'], '--outer: expected one of diloco, muloco, mean, got "adam"'],
    [['--index', '0'], '--index: the workers of several machines need the same --run and --mailbox'],
    [['--index', '4', '--run', 'r', '--mailbox', 'dir:m'], '--index: expected a whole number from 0 to 3, got "4"'],
    [['--rate', '0'], '--rate: expected a number above 0, got "0"'],
    [['--outer-rate', ''], '--outer-rate: expected a number from 0, got ""'],
    [['--outer-momentum', '1'], '--outer-momentum: expected a number from 0 to below 1, got "1"'],
    [['--outer', 'mean', '--outer-momentum', '0.5'], '--outer-momentum: the outer optimizer mean has none'],
    [['--run', 'a b'], '--run: expected up to 64 letters, digits, ., _ and -, got "a b"'],
    [['--what'], "Unknown option '--what'"],
  ])('%j is refused with one line', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
