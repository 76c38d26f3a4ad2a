import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { expect, it } from 'vitest';
import { readBack } from './memory.ts';
import { Scratch } from './scratch.ts';
import { webgpu } from './webgpu.ts';

softwareAdapter();

it('numbers of runs begin anew where f32 ends, and flags raised before are down then', async () => {
  const backend = await webgpu();
  const { device } = backend;
  const scratch = new Scratch(device, 2 ** 20);
  scratch.reserveFlags(2);
  const { flags } = scratch;
  if (flags === undefined) throw new Error('there are flags');
  expect(scratch.count).toBe(1);
  device.queue.writeBuffer(flags, 0, Float32Array.of(1, 2 ** 24));
  let [run, last] = [0, 0];
  for (let i = 0; i < 2 ** 24; i++) {
    last = run;
    run = scratch.nextRun();
    if (run !== Math.fround(run) || run !== last + 1) throw new Error(`${run} comes after ${last}`);
  }
  expect(Array.from(await readBack(device, flags, 0, 8))).toEqual([1, 2 ** 24]);
  expect([scratch.nextRun(), scratch.nextRun()]).toEqual([1, 2]);
  expect(Array.from(await readBack(device, flags, 0, 8))).toEqual([0, 0]);
  scratch.destroy();
  expect(scratch.count).toBe(0);
  backend.dispose();
});
