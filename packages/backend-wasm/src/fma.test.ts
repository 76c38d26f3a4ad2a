import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { OptionTypeError } from '@opt/core';
import { fmaSupported } from '@opt/linalg';
import { describe, expect, it } from 'vitest';
import { wasm } from './wasm.ts';

const run = promisify(execFile);

/** What thirty steps come to in a process of its own. */
async function bits(...flags: string[]): Promise<{ readonly fma: boolean; readonly bits: string }[]> {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const script = fileURLToPath(new URL('./testing/soap-bits.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [...flags, '--conditions=@opt/source', '--import', loader, script]);
  return JSON.parse(stdout);
}

describe('fused multiply-add', () => {
  it('is used where the engine has it, unless it is forbidden', () => {
    expect(wasm().fma).toBe(fmaSupported());
    expect(wasm({ fma: true }).fma).toBe(fmaSupported());
    expect(wasm({ fma: false }).fma).toBe(false);
  });

  it('is allowed or not', () => {
    const settings: object = { fma: 'no' };
    expect(() => wasm(settings)).toThrow(OptionTypeError);
    expect(() => wasm(settings)).toThrow(/^wasm: fma must be true or false, received/);
  });

  // Node 20 has it behind a flag: there, one machine shows what two engines do.
  it.skipIf(fmaSupported())('changes bits, and forbidden does not: an engine with it gives those of one without', async () => {
    const [without, withIt] = await Promise.all([bits(), bits('--experimental-wasm-relaxed-simd')]);
    expect(without.map(({ fma }) => fma)).toEqual([false, false]);
    expect(withIt.map(({ fma }) => fma)).toEqual([true, false]);
    expect(without[0]?.bits).toBe(without[1]?.bits);
    expect(withIt[1]?.bits).toBe(without[0]?.bits);
    expect(withIt[0]?.bits).not.toBe(without[0]?.bits);
  });
});
