import { describe, expect, it } from 'vitest';
import { OptionRangeError } from '../errors.ts';
import type { Schedule } from './hyper.ts';
import { constant, cosine, exponential, linear, piecewise, power, sequence, warmup, wsd } from './schedules.ts';

const first = (schedule: Schedule, n: number): number[] => Array.from({ length: n }, (_, step) => schedule(step));

describe('schedules are functions of the steps applied before', () => {
  it.each<[string, Schedule, readonly number[]]>([
    ['constant', constant(3), [3, 3, 3]],
    ['linear', linear({ from: 1, to: 0, steps: 4 }), [1, 0.75, 0.5, 0.25, 0, 0]],
    ['linear, upwards', linear({ from: 0, to: 2, steps: 2 }), [0, 1, 2, 2]],
    ['cosine', cosine({ from: 2, to: 1, steps: 4 }), [2, 1.5 + Math.SQRT1_2 / 2, 1.5, 1.5 - Math.SQRT1_2 / 2, 1, 1]],
    ['power', power({ from: 3, to: 1, steps: 4, exponent: 2 }), [3, 1 + 2 * 0.5625, 1.5, 1.125, 1, 1]],
    ['power of a half', power({ from: 1, steps: 4, exponent: 0.5 }), [1, Math.sqrt(0.75), Math.SQRT1_2, 0.5, 0, 0]],
    ['wsd', wsd({ peak: 4, warmup: 2, stable: 2, decay: 4 }), [2, 4, 4, 4, 4, 3, 2, 1, 0, 0]],
    [
      'wsd by a root',
      wsd({ peak: 4, to: 2, warmup: 0, stable: 1, decay: 4, shape: 'sqrt' }),
      [4, 4, 3, 4 - Math.SQRT2, 4 - Math.sqrt(3), 2, 2],
    ],
    ['wsd by a cosine', wsd({ peak: 4, warmup: 1, stable: 0, decay: 2, shape: 'cosine' }), [4, 4, 2, 0, 0]],
    ['wsd of one part', wsd({ peak: 4, warmup: 0, stable: 2, decay: 0, to: 1 }), [4, 4, 1, 1]],
    ['cosine to 0', cosine({ from: 1, steps: 2 }), [1, 0.5, 0, 0]],
    ['exponential', exponential({ from: 8, rate: 0.25, steps: 2 }), [8, 4, 2, 1]],
    ['warmup to a number', warmup({ steps: 4, after: 1 }), [0.25, 0.5, 0.75, 1, 1]],
    ['warmup to a schedule', warmup({ steps: 2, after: linear({ from: 1, to: 0, steps: 2 }) }), [0.5, 1, 1, 0.5, 0]],
    ['piecewise', piecewise({ boundaries: [2, 3], values: [1, 0.1, 0.01] }), [1, 1, 0.1, 0.01, 0.01]],
    [
      'sequence',
      sequence([{ schedule: 5, steps: 1 }, { schedule: linear({ from: 1, to: 0, steps: 2 }), steps: 2 }, { schedule: 7 }]),
      [5, 1, 0.5, 7, 7],
    ],
    ['sequence whose last part runs on', sequence([{ schedule: 1, steps: 1 }, { schedule: (step) => step }]), [1, 0, 1, 2]],
  ])('%s', (_, schedule, expected) => {
    first(schedule, expected.length).forEach((value, step) => {
      expect(value, `step ${step}`).toBeCloseTo(expected[step] ?? Number.NaN, 14);
    });
  });

  it.each<[string, () => Schedule, string]>([
    ['constant', () => constant(Number.NaN), 'constant: value must be a finite number, received NaN'],
    ['linear', () => linear({ from: 1, to: Infinity, steps: 4 }), 'linear: to must be a finite number, received Infinity'],
    ['linear without steps', () => linear({ from: 1, to: 0, steps: 0 }), 'linear: steps must be an integer >= 1, received 0'],
    ['power', () => power({ from: 1, steps: 2, exponent: 0 }), 'power: exponent must be a finite number > 0, received 0'],
    ['wsd', () => wsd({ peak: 1, warmup: 1.5, stable: 0, decay: 0 }), 'wsd: warmup must be an integer >= 0, received 1.5'],
    ['cosine', () => cosine({ from: 1, steps: 1.5 }), 'cosine: steps must be an integer >= 1, received 1.5'],
    ['exponential', () => exponential({ from: 1, rate: 0, steps: 1 }), 'exponential: rate must be a finite number > 0, received 0'],
    ['warmup', () => warmup({ steps: -1, after: 1 }), 'warmup: steps must be an integer >= 1, received -1'],
    [
      'piecewise with values missing',
      () => piecewise({ boundaries: [1], values: [1] }),
      'piecewise: values must be of length 2, one more than boundaries, received 1',
    ],
    [
      'piecewise out of order',
      () => piecewise({ boundaries: [3, 2], values: [1, 2, 3] }),
      "piecewise: boundaries must be positive and increasing, received '3 2'",
    ],
    [
      'piecewise from 0',
      () => piecewise({ boundaries: [0], values: [1, 2] }),
      "piecewise: boundaries must be positive and increasing, received '0'",
    ],
    [
      'piecewise to NaN',
      () => piecewise({ boundaries: [1], values: [1, Number.NaN] }),
      'piecewise: values[1] must be a finite number, received NaN',
    ],
    ['an empty sequence', () => sequence([]), 'sequence: parts must be at least one schedule, received 0'],
    [
      'a sequence with a part that does not end',
      () => sequence([{ schedule: 1 }, { schedule: 2 }]),
      'sequence: parts[0].steps must be an integer >= 1, received NaN',
    ],
  ])('%s is refused', (_, make, message) => {
    expect(make).toThrow(OptionRangeError);
    expect(make).toThrow(message);
  });
});
