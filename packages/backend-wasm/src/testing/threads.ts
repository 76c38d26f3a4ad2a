import type { WasmBackend } from '../backend.ts';
import type { Grain } from '../threads/tasks.ts';
import { threaded } from '../wasm.ts';

const built = Boolean(process.env['TEST_BUILT']);

/** `wasm({ threads })` from the sources, which Node cannot begin a worker from by itself. */
export const threadsOf = (threads: number, grain: Partial<Grain> = {}): Promise<WasmBackend> =>
  threaded(2 ** 32, true, threads, {
    grain,
    ...(!built && { entry: { script: new URL('thread-source.mjs', import.meta.url), flags: [] } }),
  });
