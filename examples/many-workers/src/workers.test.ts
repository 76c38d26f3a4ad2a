import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'many-workers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const conditions = process.env['TEST_BUILT'] ? [] : ['--conditions=@opt/source'];
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

const start = (args: readonly string[]) =>
  spawn(process.execPath, [...conditions, '--import', loader, main, '--out', join(folder, 'page.html'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

async function outcome(child: ReturnType<typeof start>): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const code = new Promise<number | null>((done) => child.once('exit', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr, code: await code };
}

/** Processes whose parent this is. */
const children = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const [, rest = ''] = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ');
        return Number(rest.split(' ')[1]) === parent ? [Number(entry)] : [];
      } catch {
        return [];
      }
    });

describe('pnpm workers', () => {
  it('trains, whoever is killed with -9, with replicas that are alike and writes the page', async () => {
    const child = start(['--workers', '2', '--steps', '60', '--every', '5', '--deadline', '1000', '--no-yardstick']);
    let killed = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      const [victim] =
        process.platform === 'linux' && killed === 0 && String(chunk).includes('round  2/12') ? children(child.pid ?? 0) : [];
      if (victim === undefined) return;
      killed = victim;
      process.kill(victim, 'SIGKILL');
    });
    const { stdout, stderr, code } = await outcome(child);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    if (process.platform === 'linux') expect(killed).not.toBe(0);
    expect(stdout).toContain('round 12/');
    expect(stdout).toMatch(/each sent [\d.]+ kB in \d+ rounds, [\d.]+ times less than its gradients in f32/);
    expect(stdout).toContain('replicas had the same SHA-256 after every round');
    expect(stdout).not.toContain('DIFFER');
    expect(stdout).toContain('2 workers           training loss');
    const page = readFileSync(join(folder, 'page.html'), 'utf8');
    expect(page).toContain('<title>2 workers: 2 workers</title>');
  });

  it('by one process a machine: each starts its own worker, and nobody needs the others before', { timeout: 240_000 }, async () => {
    const shared = [
      '--workers',
      '2',
      '--steps',
      '20',
      '--every',
      '5',
      '--deadline',
      '200000',
      '--run',
      'apart',
      '--mailbox',
      `dir:${join(folder, 'apart')}`,
    ];
    const outcomes = await Promise.all(
      ['0', '1'].map((index) => outcome(start([...shared, '--index', index, '--checkpoints', join(folder, `checkpoints-${index}`)]))),
    );
    const losses = outcomes.map(({ stdout, stderr, code }) => {
      expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
      expect(stdout).toContain('round 4/4  2 of 2 counted');
      return /training loss ([\d.e-]+) \(whole set/.exec(stdout)?.[1];
    });
    expect(losses[0]).toBeDefined();
    expect(losses[1]).toBe(losses[0]);
    expect(readdirSync(join(folder, 'checkpoints-1'))).toEqual(['worker-1.safetensors']);
  });

  it('says in one line what it cannot do', async () => {
    const { stdout, stderr, code } = await outcome(start(['--codec', 'zip']));
    expect({ stdout, stderr, code }).toEqual({
      stdout: '',
      stderr: 'workers: --codec: expected one of table, two-bits, f16, sparse, none, got "zip"\n',
      code: 2,
    });
  });
});
