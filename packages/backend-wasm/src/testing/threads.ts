import { threaded, type WasmBackend } from '../backend.ts';
import type { Grain } from '../threads/tasks.ts';

const built = Boolean(process.env['TEST_BUILT']);

/** Programs are for several threads whatever they cost, in tasks that are as small as can be. */
export const finest: Partial<Grain> = { least: 0, task: 1 };

/** `wasm({ threads })` from the sources, which Node cannot begin a worker from by itself. */
export const threadsOf = (threads: number, grain: Partial<Grain> = {}, maxMemory: number = 2 ** 32, fma = true): Promise<WasmBackend> =>
  threaded(maxMemory, fma, threads, {
    grain,
    ...(!built && { entry: { script: new URL('thread-source.mjs', import.meta.url), flags: [] } }),
  });
