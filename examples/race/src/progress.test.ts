import { describe, expect, test } from 'vitest';
import { liveProgress } from './live-progress.ts';
import type { Moment } from './moment.ts';
import { plainProgress } from './plain-progress.ts';
import { progress } from './progress.ts';
import type { LaneState } from './train.ts';

const lane = (label: string, losses: number[], diverged = false): LaneState => ({
  lane: { name: label, label, colour: '#3b7dd8', learningRate: 0.1, make: () => Promise.reject(new Error('not trained here')) },
  losses,
  diverged,
  optimizerMilliseconds: 1.5,
});

const lanes = [lane('SGD', [2, 2, 2]), lane('SOAP', [2, 0.5, 0.1]), lane('wild', [2, 1e9], true)];
const moment = (step: number, steps: number): Moment => ({ title: 'Training', step, steps, lanes, elapsedMilliseconds: 100 * step });

const screen = (columns?: number, isTTY?: boolean) => {
  const written: string[] = [];
  return {
    written,
    ...(columns === undefined ? {} : { columns }),
    ...(isTTY === undefined ? {} : { isTTY }),
    write: (text: string) => written.push(text),
  };
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const escapes = /\x1b\[[?0-9;]*[a-zA-Z]/g;

describe('plain', () => {
  test.each([
    [1000, 10],
    [25, 10],
    [3, 3],
  ])('of %i steps, about every tenth is told', (steps, expected) => {
    const out = screen();
    const display = plainProgress(out);
    for (let step = 1; step <= steps; step++) display.show(moment(step, steps));
    const [title, ...lines] = out.written.join('').trimEnd().split('\n');
    expect(title).toBe('Training');
    expect(lines).toHaveLength(expected);
    expect(lines.at(-1)).toContain(`step ${steps}/${steps} (100 %)  loss: SGD 2.00, SOAP 0.867, wild diverged  (0 s left)`);
    expect(out.written.join('')).not.toContain('\x1b');
  });
});

describe('live', () => {
  test.each([200, 100, 60, 30, 1])('on %i columns no line is longer than the terminal', (columns) => {
    const out = screen(columns, true);
    liveProgress(out, true).show(moment(5, 10));
    const lines = out.written.join('').replaceAll(escapes, '').replaceAll('\r', '').trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    if (columns >= 60) for (const line of lines) expect(line.length).toBeLessThan(columns);
    expect(lines[2]).toContain('SOAP');
    expect(lines[3]).toContain('diverged');
  });

  test('redraws in place, and every frame leaves the cursor and line wrapping as they were', () => {
    const out = screen(100, true);
    const display = liveProgress(out, false);
    display.show(moment(9, 10));
    display.show(moment(10, 10));
    expect(out.written).toHaveLength(2);
    for (const frame of out.written) {
      expect(frame.startsWith('\x1b[?25l\x1b[?7l')).toBe(true);
      expect(frame.endsWith('\x1b[?7h\x1b[?25h')).toBe(true);
    }
    expect(out.written[0]).not.toContain('\x1b[4A');
    expect(out.written[1]).toContain('\x1b[4A');
    expect(out.written.join('')).not.toContain('\x1b[38');
  });

  test('the bar of a smaller loss is longer', () => {
    const out = screen(100, true);
    liveProgress(out, true).show(moment(10, 10));
    const lines = out.written.join('').split('\n');
    const cells = (line: string | undefined) => (line?.match(/█/g) ?? []).length;
    expect(cells(lines[1])).toBe(0);
    expect(cells(lines[2])).toBeGreaterThan(0);
  });
});

test('a terminal gets the live display, anything else plain lines', () => {
  const [terminal, pipe] = [screen(80, true), screen()];
  progress(terminal).show(moment(10, 10));
  progress(pipe).show(moment(10, 10));
  expect(terminal.written.join('')).toContain('\x1b[?25l');
  expect(pipe.written.join('')).not.toContain('\x1b');
});
