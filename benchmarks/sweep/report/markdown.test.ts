import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { madeUpResults } from '../fixtures/results.ts';
import type { SweepResults } from '../results/results.ts';
import { winnerCells, winners } from '../results/tables.ts';
import { summaryMarkdown } from './markdown.ts';

test('tables of winners, of means, and of what was recorded; the first of a task is bold', () => {
  const text = summaryMarkdown(madeUpResults());
  expect(text).toContain('| best training loss | first | mean (range) | seeds won | second | mean (range) | second ÷ first |\n| --- |');
  expect(text).toContain('| rnn | SGD + momentum | 0.00235 (0.00230–0.00239) | 3 of 3 | AdamW | 0.00331 (0.00325–0.00338) | 1.41× |\n');
  expect(text).toContain('| rnn | SGD + momentum | 0.102 (0.102–0.102) | 3 of 3 | AdamW | 0.103 (0.103–0.103) | 1.01× |\n');
  expect(text).toMatch(/^\| Oblique \| 0\.00 \|.* – \| 0\.224 \|$/m);
  expect(text.match(/\*\*/g)?.length).toBe(2 * 10);
  expect(text).toMatch(/^\| rnn \| 0 of 7 \| SGD \+ momentum 0\.00230, recorded 2\.25; /m);
  expect(text).not.toMatch(/NaN|undefined|Infinity|not finished/);
});

describe('what stands in the repository', () => {
  const results = new URL('../../results/sweep.json', import.meta.url);
  const readme = new URL('../../README.md', import.meta.url);
  const front = new URL('../../../README.md', import.meta.url);

  test('benchmarks/README.md holds the tables of results/sweep.json', () => {
    const sweep: SweepResults = JSON.parse(readFileSync(results, 'utf8'));
    const text = readFileSync(readme, 'utf8');
    for (const part of summaryMarkdown(sweep).trim().split('\n\n')) expect(text).toContain(part);
  });

  test('and the table of results/universal.json, every run of one configuration', () => {
    const universal: SweepResults = JSON.parse(readFileSync(new URL('../../results/universal.json', import.meta.url), 'utf8'));
    expect(universal).toMatchObject({ seeds: 3, shortened: [] });
    expect(universal.besideAdamw?.length).toBe(3 * universal.tasks.length);
    const table = summaryMarkdown(universal).trim().split('\n\n').at(-1) ?? '';
    expect(table).toContain('tuned AdamW');
    expect(readFileSync(readme, 'utf8')).toContain(table);
  });

  test('README.md of the repository holds the winners', () => {
    const sweep: SweepResults = JSON.parse(readFileSync(results, 'utf8'));
    const text = readFileSync(front, 'utf8');
    for (const measure of ['train', 'test'] as const)
      for (const [, first, mean, seeds, second, other] of winners(sweep, measure).map(winnerCells))
        expect(text).toContain(`| ${first} ${mean} | ${seeds} | ${second} ${other} |`);
  });

  test('which is a whole sweep with three seeds in less than a megabyte', () => {
    const text = readFileSync(results, 'utf8');
    expect(text.length).toBeLessThan(1e6);
    expect(JSON.parse(text)).toMatchObject({ format: 'opt-sweep/1', seeds: 3, shortened: [] });
  });
});
