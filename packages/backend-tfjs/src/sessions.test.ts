import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('testing/session.ts', import.meta.url));
const run = promisify(execFile);

/** The losses that a process of its own prints last. */
async function session(...args: string[]): Promise<unknown> {
  const conditions = process.env['TEST_BUILT'] ? [] : ['--conditions=@opt/source'];
  const { stdout } = await run(process.execPath, [...conditions, '--import', 'tsx', program, ...args]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

it.each([
  ['wasm', 'saved thawed'],
  ['wasm', 'saved frozen'],
  ['tfjs', 'saved thawed'],
])(
  'on %s, %s, loaded in another process: the losses of the one that went on, to the last digit',
  { timeout: 240_000 },
  async (compute, what) => {
    const folder = mkdtempSync(join(tmpdir(), 'opt-sessions-'));
    try {
      const file = join(folder, 'model.json');
      const losses = await session(what, compute, file);
      expect(losses).toHaveLength(6);
      expect(await session('resume', compute, file)).toEqual(losses);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
