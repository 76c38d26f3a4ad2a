import { expect, test } from 'vitest';
import { type Entry, missing } from './contender.ts';
import { interleave } from './interleave.ts';

const pace = { rounds: 4, batch: 0.02, budget: 60 };

/** A contender whose clock is made up: every iteration takes `seconds`. */
const pretending = (name: string, seconds: number, log: string[], block = 1): Entry => ({
  name,
  block,
  make: () => {
    log.push(`make ${name}`);
    return Promise.resolve({
      run(iterations) {
        log.push(`${name} ${iterations}`);
        return Promise.resolve(seconds * iterations);
      },
      dispose() {
        log.push(`dispose ${name}`);
      },
    });
  },
});

test('contenders take turns, every other round the other way', async () => {
  const log: string[] = [];
  const measured = await interleave([pretending('a', 0.02, log), pretending('b', 0.04, log)], pace);
  const turns = log.slice(-10);
  expect(turns).toEqual(['a 1', 'b 1', 'b 1', 'a 1', 'a 1', 'b 1', 'b 1', 'a 1', 'dispose a', 'dispose b']);
  expect(measured).toEqual([
    { name: 'a', iterations: 1, samples: [0.02, 0.02, 0.02, 0.02] },
    { name: 'b', iterations: 1, samples: [0.04, 0.04, 0.04, 0.04] },
  ]);
});

test('a turn is long enough, and whole blocks', async () => {
  const [fast, blocked] = await interleave([pretending('fast', 1e-6, []), pretending('blocked', 7e-4, [], 10)], pace);
  expect(fast).toMatchObject({ iterations: 20_000 });
  expect(blocked).toMatchObject({ iterations: 30 });
});

test('slow contenders stop at the budget, but not before three rounds', async () => {
  const [slow] = await interleave([pretending('slow', 5, [])], { ...pace, budget: -1 });
  expect(slow).toMatchObject({ samples: [5, 5, 5] });
});

test('who is missing is named with the reason, who fails with the error, and the others go on', async () => {
  const broken: Entry = { name: 'broken', make: () => Promise.reject(new Error('no memory\nat all')) };
  const stopping: Entry = {
    name: 'stopping',
    make: () => Promise.resolve({ run: () => Promise.reject(new Error('stopped')), dispose: () => {} }),
  };
  const measured = await interleave([missing('peer', 'not installed'), broken, stopping, pretending('there', 0.1, [])], pace);
  expect(measured.slice(0, 3)).toEqual([
    { name: 'peer', missing: 'not installed' },
    { name: 'broken', failed: 'no memory' },
    { name: 'stopping', failed: 'stopped' },
  ]);
  expect(measured[3]).toMatchObject({ name: 'there', iterations: 1 });
});
