import { createOptimizer } from '@opt/core';
import { adamw } from '@opt/transforms';
import { expect, it } from 'vitest';
import { wasm } from '../index.ts';
import { noise } from '../testing/noise.ts';
import { threadsOf } from '../testing/threads.ts';

it.each(['bf16', 'int8'] as const)('state in %s is rounded by the same bits on two threads', async (stateDtype) => {
  const length = 64 * 48;
  const states: number[][] = [];
  for (const backend of [wasm(), await threadsOf(2, { least: 0 })]) {
    const parameters = { w: { shape: [64, 48], data: noise(length) } };
    const optimizer = createOptimizer({ transform: adamw(), backend, parameters, stateDtype });
    for (let step = 0; step < 3; step++) optimizer.step({ w: noise(length) });
    states.push(Object.values(optimizer.state).flatMap((values) => Array.from(values)));
    optimizer.dispose();
    backend.dispose();
  }
  expect(states[0]?.some((x) => x !== 0)).toBe(true);
  expect(states[1]).toEqual(states[0]);
});
