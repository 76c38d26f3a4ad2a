import { describe, expect, test } from 'vitest';
import type { Plan } from '../plan.ts';
import type { RunResult, RunSpec } from '../runs/run.ts';
import { display } from './display.ts';
import { type Display, type Moment, tracker } from './tracker.ts';
import { longDuration, outcome, standing } from './words.ts';

const plan: Plan = {
  tasks: [
    { name: 'rnn', steps: 500 },
    { name: 'quadratic', steps: 1000 },
  ],
  optimizers: [
    { name: 'soap', search: { decades: [-4, -1], extensions: 3, refine: true } },
    { name: 'adamw', search: { rates: [0.1] } },
  ],
  seeds: 3,
  backend: 'wasm',
  shortened: [],
};
const spec = (task: RunSpec['task'], optimizer: string, rate: number): RunSpec => ({
  task,
  optimizer,
  rate,
  seed: 0,
  steps: 1,
  backend: 'wasm',
});
const result = (seconds: number, over: Partial<RunResult> = {}): RunResult => ({
  losses: [2.3, 0.651],
  tests: [],
  diverged: false,
  skippedSteps: 0,
  seconds,
  ...over,
});
const silent: Display = { show() {}, tell() {} };

describe('the tracker', () => {
  test('expects grid, refinement and seeds, more where a search goes on, and no more where it is over', () => {
    const watch = tracker(plan, silent);
    // Per task: (4 + 3 + 2) for soap, (1 + 2) for adamw.
    expect(watch.moment).toMatchObject({ finished: 0, expected: 24, remainingMilliseconds: undefined });
    for (let rate = 1; rate <= 10; rate++) watch.finished(spec('rnn', 'soap', rate), result(1));
    expect(watch.moment).toMatchObject({ finished: 10, expected: 25 });
    watch.pairDone('rnn', 'adamw');
    expect(watch.moment.expected).toBe(22);
  });

  test('estimates what is left by the same optimizer on the task, else the task, else everything, and shares it among those running', () => {
    const watch = tracker(plan, silent);
    watch.reused(spec('rnn', 'soap', 0.1), result(10));
    watch.finished(spec('quadratic', 'soap', 0.1), result(2));
    // 8 · 10 (rnn, soap) + 3 · 10 (rnn, adamw) + 8 · 2 + 3 · 2.
    expect(watch.moment.remainingMilliseconds).toBe(132_000);
    for (const rate of [1, 2, 3]) watch.stepped(spec('rnn', 'soap', rate), 5);
    expect(watch.moment.remainingMilliseconds).toBe(44_000);
    watch.failed(spec('rnn', 'soap', 1), 'no');
    expect(watch.moment).toMatchObject({ finished: 2, reused: 1, failed: 1 });
    expect(watch.moment.running.map(({ step }) => step)).toEqual([5, 5]);
  });
});

const moment: Moment = {
  finished: 34,
  reused: 12,
  failed: 1,
  expected: 990,
  running: [{ spec: spec('rnn', 'soap', 0.00562341), step: 250 }],
  elapsedMilliseconds: 1000,
  remainingMilliseconds: 8_040_000,
};

test('words', () => {
  expect(standing(moment)).toBe('34 of 990 runs, 12 from earlier, 1 failed, 2 h 14 min left');
  expect(standing({ ...moment, reused: 0, failed: 0, remainingMilliseconds: undefined })).toBe('34 of 990 runs, time left not known yet');
  expect(standing({ ...moment, finished: 989, reused: 0, elapsedMilliseconds: 65_000 })).toBe(
    '989 of 990 runs, 1 failed, 1 min 05 s in all',
  );
  expect([59_000, 5_940_000, 6_000_000].map(longDuration)).toEqual(['59 s', '99 min 00 s', '1 h 40 min']);
  expect(outcome({ spec: spec('rnn', 'soap', 0.00562341), result: result(3.44) })).toBe(
    'rnn, soap, rate 0.00562, seed 0: loss 2.30 → 0.651, 3.4 s',
  );
  expect(outcome({ spec: spec('rnn', 'soap', 1), result: result(0.1, { diverged: true }) })).toContain('diverged at step 2');
  expect(outcome({ spec: spec('rnn', 'soap', 1), message: 'out of memory' })).toContain('FAILED, out of memory');
});

const screen = (isTTY: boolean) => {
  const written: string[] = [];
  return { written, isTTY, columns: 80, write: (text: string) => written.push(text) };
};
const news = { spec: spec('rnn', 'soap', 0.01), result: result(1) };

test('in a pipe: a line for every run that ended, nothing else', () => {
  const out = screen(false);
  const plain = display(out, () => 500);
  plain.show(moment);
  plain.tell(news, moment);
  expect(out.written).toEqual([
    'rnn, soap, rate 0.01, seed 0: loss 2.30 → 0.651, 1.0 s (34 of 990 runs, 12 from earlier, 1 failed, 2 h 14 min left)\n',
  ]);
});

test('on a terminal: the same lines, and below them what runs, redrawn in place; every frame leaves cursor and wrapping as they were', () => {
  const out = screen(true);
  const live = display(out, () => 500);
  live.show(moment);
  live.show(moment);
  live.tell(news, { ...moment, running: [] });
  live.tell(news, moment);
  // The second came too soon after the first.
  const [first = '', second = '', third = ''] = out.written;
  expect(out.written).toHaveLength(3);
  for (const frame of out.written) {
    expect(frame.startsWith('\x1b[?25l\x1b[?7l')).toBe(true);
    expect(frame.endsWith('\x1b[?7h\x1b[?25h')).toBe(true);
  }
  expect(first).toContain('████████████············ rnn, soap, rate 0.00562, seed 0\n');
  expect(second).toContain('\x1b[2A\r\x1b[0Jrnn, soap, rate 0.01, seed 0: loss 2.30');
  expect(third).toContain('\x1b[1A\r');
});
