import { readdirSync, readFileSync } from 'node:fs';
import { parseGolden, replay, saysGolden } from '@opt/backend-contract';
import { everything } from '@opt/backend-contract/vitest';
import type { Backend, Executable } from '@opt/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WasmBackend, type WasmBuffer, wasm } from '../index.ts';
import { finest } from '../testing/finest.ts';
import { threadsOf } from '../testing/threads.ts';

const root = new URL('../../../backend-contract/golden/', import.meta.url);

const cases = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.json'))
  .sort()
  .map((path): [string, unknown] => [path, JSON.parse(readFileSync(new URL(path, root), 'utf8'))])
  .filter(([, value]) => saysGolden(value))
  .filter((_, i) => everything || i % 12 === 0);

/** Writes down, bit for bit, all that programs leave in the buffers they write to. */
function observed(backend: WasmBackend, notes: number[]): Backend<'sync', 'sync', never, WasmBuffer, 'f32'> {
  const note = (buffer: WasmBuffer): void => {
    const view = backend.readBuffer(buffer);
    // FNV-1a over the words.
    let hash = 0x811c9dc5;
    for (const word of new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4)) hash = Math.imul(hash ^ word, 0x01000193);
    notes.push(hash);
  };
  return {
    specificationVersion: 1,
    name: backend.name,
    run: 'sync',
    read: 'sync',
    precision: 'f32',
    wide: 'f64',
    create: (...given) => backend.create(...given),
    write: (...given) => backend.write(...given),
    readBuffer: (buffer) => backend.readBuffer(buffer),
    release: (buffer) => backend.release(buffer),
    compile(program, bind): Executable<'sync'> {
      const executable = backend.compile(program, bind);
      const outputs = program.outputs.map(({ key }) => bind(key));
      return {
        run(scalars) {
          executable.run(scalars);
          for (const buffer of outputs) note(buffer);
        },
        dispose: () => executable.dispose(),
      };
    },
    dispose() {},
  };
}

describe('recorded runs on two threads have the bits of one', () => {
  let two: WasmBackend;
  const one = wasm();

  beforeAll(async () => {
    two = await threadsOf(2, finest);
  });
  afterAll(() => {
    expect(two.sharedRuns).toBeGreaterThan(10 * cases.length);
    two.dispose();
  });

  it.each(cases)('%s', async (_, value) => {
    const golden = parseGolden(value);
    const [alone, together]: [number[], number[]] = [[], []];
    await replay(golden, observed(one, alone));
    const outcome = await replay(golden, observed(two, together));
    expect(outcome.result, JSON.stringify(outcome)).not.toBe('failed');
    expect(together).toEqual(alone);
  });
});
