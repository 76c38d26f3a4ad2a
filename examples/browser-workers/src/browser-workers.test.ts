import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { missingBrowser } from '@opt/backend-contract/chromium';
import { describe, expect, it } from 'vitest';
import { natsServer } from '../../../packages/local-sgd/src/testing/servers.ts';
import { AssignmentError, assignmentOf } from './assignment.ts';

const missing = missingBrowser || (natsServer === undefined ? '(skipped: there is no nats-server in PATH)' : '');

describe.skipIf(missing !== '')(`tabs and a process ${missing}`, () => {
  it('train one model over NATS, with the same bits after every round, and go on when a tab is closed', { timeout: 240_000 }, async () => {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=@opt/source', '--import', loader, main], { stdio: ['ignore', 'pipe', 'pipe'] });
    const code = new Promise<number | null>((done) => child.once('exit', done));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect({ stderr, code: await code }).toEqual({ stderr: '', code: 0 });
    const rounds = stdout.split('\n').filter((line) => line.startsWith('round '));
    const losses = rounds.map((line) => Number(/loss ([\d.]+)/.exec(line)?.[1]));
    expect(stdout).toMatch(/^node, tab-1, tab-2 counted; (\d+) of \1 rounds of tab-1 had the SHA-256 of this process$/m);
    expect(rounds.at(-1)).toMatch(/^round 20\/20 .* node, tab-1$/);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  });
});

describe('what a tab is told', () => {
  const given = { nats: 'ws://h:1', run: 'r', worker: 'w', index: '0', workers: '2', rounds: '3' };

  it('is read', () => {
    const expected = { nats: 'ws://h:1', run: 'r', secret: 'r', worker: 'w', index: 0, workers: 2, rounds: 3 };
    expect(assignmentOf(new URLSearchParams(given))).toEqual(expected);
  });

  it.each([
    [{ nats: 'http://h' }, 'nats must be an address such as ws://localhost:8080, got "http://h"'],
    [{ rounds: '-1' }, 'rounds must be a whole number, got "-1"'],
    [{ worker: 'a b' }, 'worker must be up to 64 letters, digits, _ and -, got "a b"'],
  ])('is refused: %j', (wrong, message) => {
    expect(() => assignmentOf(new URLSearchParams({ ...given, ...wrong }))).toThrow(new AssignmentError(message));
  });
});
