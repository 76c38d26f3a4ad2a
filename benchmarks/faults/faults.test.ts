import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const faults = (...args: readonly string[]) =>
  spawnSync(
    process.execPath,
    ['--import', 'tsx', '--conditions=@opt/source', fileURLToPath(new URL('./main.ts', import.meta.url)), ...args],
    { encoding: 'utf8' },
  );

describe('injected faults', () => {
  it('leave no trace: 2,000 of them', () => {
    const { stdout, status } = faults('--count', '2000', '--seed', '7', '--jobs', '2');
    expect(stdout).toMatch(/2000 faults on \d+ optimizers in \d+ s, seed 7, 2 jobs: 0 violations/);
    expect(status).toBe(0);
  }, 600_000);

  it('are refused where they are not asked for properly', () => {
    for (const [args, said] of [
      [['--count', 'many'], '--count: an integer >= 1 expected, received "many"'],
      [['--sed', '1'], '--sed'],
    ] as const) {
      const { stderr, status } = faults(...args);
      expect(stderr).toContain(said);
      expect(status).toBe(2);
    }
  });
});
