import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { entrants } from './entrants.ts';
import { type Outcome, report } from './report.ts';
import type { Run } from './train.ts';

const run = (name: string, label: string, best: number, over: Partial<Run> = {}): Run => ({
  lane: { name, label, colour: '#3b7dd8', learningRate: 0.01, make: () => Promise.reject(new Error('not trained here')) },
  losses: [2.3, best],
  smoothedLosses: [2.3, best],
  best: { loss: best, step: 2 },
  finalLoss: best,
  tests: [
    { afterStep: 0, loss: 2, accuracy: 0.7 },
    { afterStep: 2, loss: 1, accuracy: 0.684 },
  ],
  measures: [{ step: 1, gradientNorm: 0.5, updateRatio: 0.001234567 }],
  diverged: false,
  optimizerMilliseconds: 1.2,
  gradientMilliseconds: 1,
  ...over,
});

const outcome: Outcome = {
  options: { optimizers: ['sgd', 'soap'], steps: 2, batch: 64, seed: 3, backend: 'reference', sweep: true },
  runs: [run('sgd', 'SGD </script><b>&', 0.6), run('soap', 'SOAP', 0.3)],
  sweep: [
    { name: 'sgd', learningRate: 0.01, bestLoss: 0.6, diverged: false },
    { name: 'soap', learningRate: 0.1, bestLoss: Number.POSITIVE_INFINITY, diverged: true },
  ],
  elapsedMilliseconds: 4000,
  finishedAt: new Date('2026-01-02T03:04:05Z'),
};

const data = (html: string): unknown => JSON.parse(/<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(html)?.[1] ?? 'null');

describe('the page', () => {
  const html = report(outcome);

  test('asks the network for nothing', () => {
    expect(html).not.toMatch(/\b(?:src|href|srcset|action|data)\s*=\s*["']?\s*(?:https?:)?\/\//i);
    expect(html).not.toMatch(/@import|url\(|<link|<img|<iframe|\bfetch\(|XMLHttpRequest|\bimport\(/i);
  });

  test('holds every optimizer, ranked, its figures and the settings', () => {
    const [first, second] = [...html.matchAll(/<th scope="row">.*?<\/th>/g)].map(([cell]) => cell);
    expect(first).toContain('SOAP');
    expect(second).toContain('SGD &#60;/script');
    expect(html).toContain('<strong>SOAP</strong> came down to a training loss of <strong>0.300</strong>, 2.0 times below SGD');
    for (const part of [
      '68.4 %',
      'best 70.0 %',
      '1.20 ms',
      'batches of 64',
      'seed 3',
      'reference backend',
      '2026-01-02',
      'Apache License 2.0',
    ]) {
      expect(html).toContain(part);
    }
    expect(html).toContain('Permission is hereby granted');
  });

  test('labels cannot break out of text or script', () => {
    expect(html).not.toContain('</script><b>');
    expect(html.match(/<script\b/g)).toHaveLength(3);
    expect(html.match(/<\/script>/g)).toHaveLength(3);
  });

  test('carries the curves and the sweep for the script', () => {
    expect(data(html)).toMatchObject({
      lanes: [
        {
          name: 'sgd',
          losses: [2.3, 0.6],
          smoothed: [2.3, 0.6],
          tests: [
            [0, 70],
            [2, 68.4],
          ],
          updates: [[1, 0.00123457]],
          gradients: [[1, 0.5]],
        },
        { name: 'soap', losses: [2.3, 0.3] },
      ],
      sweep: [
        { name: 'sgd', points: [{ learningRate: 0.01, bestLoss: 0.6, diverged: false }] },
        { name: 'soap', points: [{ learningRate: 0.1, bestLoss: null, diverged: true }] },
      ],
    });
    expect(html).toContain('id="sweep-chart"');
  });
});

test('bold is the best of a column, not the first row', () => {
  const html = report({
    ...outcome,
    runs: [run('sgd', 'SGD', 0.6, { optimizerMilliseconds: 0.1, finalLoss: 0.7 }), run('soap', 'SOAP', 0.3, { finalLoss: 0.7 })],
  });
  const rows = [...html.matchAll(/<tr><th scope="row">.*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<td data-head="([^"]+)" class="best">/g)].map(([, head]) => head),
  );
  expect(rows).toEqual([
    ['Best train loss', 'Final train loss', 'Test accuracy'],
    ['Final train loss', 'Test accuracy', 'Per step'],
  ]);
});

test('without a sweep there is no sweep graph', () => {
  const { sweep: _, ...rest } = outcome;
  const html = report(rest);
  expect(html).not.toContain('id="sweep-chart"');
  expect(data(html)).toMatchObject({ sweep: null });
});

test('a race that everybody lost says so', () => {
  const html = report({ ...outcome, runs: [run('sgd', 'SGD', Number.POSITIVE_INFINITY, { diverged: true, finalLoss: Number.NaN })] });
  expect(html).toContain('Every run diverged.');
  expect(html).toContain('>diverged</td>');
});

test('the README names every optimizer that races', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replace(/\s+/g, ' ');
  const names = entrants.map(({ label }) => label.replace('SGD + momentum', 'SGD with momentum').replace(/ \(.*\)/, ''));
  expect(names).toHaveLength(10);
  for (const name of names) expect(readme).toContain(name);
  expect(readme).toContain('Ten optimizers');
});
