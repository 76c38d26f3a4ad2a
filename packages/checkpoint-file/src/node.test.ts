import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { reference } from '@opt/backend-reference';
import { CheckpointError, createOptimizer, DisposedError, OptionTypeError } from '@opt/core';
import { adamw, sgd } from '@opt/transforms';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadFile, saveFile } from './node.ts';

const outside = mkdtempSync(join(tmpdir(), 'opt-checkpoint-file-'));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(outside, 'test-'));
});
afterAll(() => rmSync(outside, { recursive: true, force: true }));

const make = (x = 0, transform = sgd({ learningRate: 1 })) =>
  createOptimizer({ transform, parameters: { w: { shape: [1], data: [x] } }, backend: reference() });
const saving = (bytes: Uint8Array) => ({ save: () => bytes });
const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

describe('saveFile and loadFile', () => {
  it('go there and back, by path and by URL, in folders that are made as needed', async () => {
    const path = join(folder, 'runs/one/adamw.safetensors');
    const optimizer = make(3);
    for (const where of [path, pathToFileURL(path)]) {
      optimizer.step({ w: [1] });
      await saveFile(where, optimizer);
      const other = make();
      expect(await loadFile(where, other)).toEqual({ missing: [], surplus: [], fresh: [], converted: [], hyperparameters: [] });
      expect(other.parameters.w[0]).toBe(optimizer.parameters.w[0]);
    }
    expect(readdirSync(join(folder, 'runs/one'))).toEqual(['adamw.safetensors']);
  });

  it('the file is what save gives', async () => {
    const optimizer = make(3, adamw());
    await saveFile(join(folder, 'a'), optimizer);
    expect(new Uint8Array(readFileSync(join(folder, 'a')))).toEqual(optimizer.save());
  });

  it('in whatever pieces it comes', async () => {
    const optimizer = make(3, adamw());
    await saveFile(join(folder, 'whole'), { save: () => optimizer.save() });
    await saveFile(join(folder, 'pieces'), optimizer);
    expect(readFileSync(join(folder, 'pieces')).equals(readFileSync(join(folder, 'whole')))).toBe(true);
    const disposed = make();
    disposed.dispose();
    expect(await failure(saveFile(join(folder, 'disposed'), disposed))).toBeInstanceOf(DisposedError);
    expect(readdirSync(folder).sort()).toEqual(['pieces', 'whole']);
  });

  it('the state is that of the call, whatever happens afterwards', async () => {
    const optimizer = make(5);
    const saved = saveFile(join(folder, 'a'), optimizer);
    optimizer.step({ w: [1] });
    optimizer.dispose();
    await saved;
    const other = make();
    await loadFile(join(folder, 'a'), other);
    expect(other.parameters.w[0]).toBe(5);
  });

  it('of many at once to one file, the last one stays, and nothing else', async () => {
    const path = join(folder, 'a');
    await Promise.all([3, 1, 4, 1, 5].map((k) => saveFile(path, saving(new Uint8Array(100_000 * k).fill(k)))));
    expect(readFileSync(path).equals(Buffer.alloc(500_000, 5))).toBe(true);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('one that fails does not keep later ones from the file', async () => {
    const path = join(folder, 'a');
    const broken = { save: () => Promise.reject(new DisposedError('save')) };
    const results = await Promise.allSettled([saveFile(path, broken), saveFile(path, saving(Uint8Array.of(7)))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect([...readFileSync(path)]).toEqual([7]);
  });

  it('the order of the calls holds also where one in between fails at once', async () => {
    const path = join(folder, 'a');
    const slow = { save: () => new Promise<Uint8Array>((resume) => setTimeout(() => resume(Uint8Array.of(1)), 50)) };
    const broken = { save: () => Promise.reject(new DisposedError('save')) };
    await Promise.allSettled([slow, broken, saving(Uint8Array.of(3))].map((optimizer) => saveFile(path, optimizer)));
    expect([...readFileSync(path)]).toEqual([3]);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('a link stays a link, a mode stays a mode', async () => {
    const [path, link] = [join(folder, 'a'), join(folder, 'latest')];
    writeFileSync(path, 'old');
    chmodSync(path, 0o640);
    symlinkSync('a', link);
    await saveFile(link, saving(Uint8Array.of(7)));
    expect([...readFileSync(path)]).toEqual([7]);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink())).toHaveLength(1);
  });

  it('options are those of load', async () => {
    await saveFile(join(folder, 'a'), make(3, sgd({ learningRate: 0.5 })));
    const { hyperparameters } = await loadFile(join(folder, 'a'), make(), { hyperparameters: 'keep' });
    expect(hyperparameters).toEqual([{ name: 'learningRate', saved: 0.5, here: 1, taken: 'here' }]);
  });

  it('what cannot be is said, and changes nothing', async () => {
    const optimizer = make(3);
    mkdirSync(join(folder, 'folder'));
    expect(messageOf(await failure(saveFile(join(folder, 'folder'), optimizer)))).toContain('must be a file, it is something else');
    expect(messageOf(await failure(saveFile('/dev/null', optimizer)))).toContain('must be a file, it is something else');
    expect(await failure(saveFile(join(folder, 'folder'), optimizer))).toBeInstanceOf(CheckpointError);
    writeFileSync(join(folder, 'file'), 'x');
    for (const error of [
      await failure(saveFile(join(folder, 'file/below'), optimizer)),
      await failure(saveFile(join(folder, 'n'.repeat(300)), optimizer)),
    ]) {
      expect(error).toBeInstanceOf(CheckpointError);
      expect(messageOf(error)).toContain('could not be written, an older file is as it was');
    }
    const missing = await failure(loadFile(join(folder, 'missing'), optimizer));
    expect(missing).toBeInstanceOf(CheckpointError);
    expect(messageOf(missing)).toContain('could not be read: ENOENT');
    expect(messageOf(await failure(loadFile(join(folder, 'file'), optimizer)))).toContain('not a safetensors file');
    expect(optimizer.parameters.w[0]).toBe(3);
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
  });

  it.each([
    ['no path', () => Reflect.apply(saveFile, undefined, ['', make()]), "saveFile: path must be a path, or a file: URL, received ''"],
    [
      'another URL',
      () => saveFile(new URL('https://example.org/a'), make()),
      'saveFile: path must be a path, or a file: URL, received an URL',
    ],
    [
      'no optimizer',
      () => Reflect.apply(saveFile, undefined, ['a']),
      'saveFile: optimizer must be an optimizer, which has save(), received undefined',
    ],
    [
      'the other way round',
      () => Reflect.apply(loadFile, undefined, [make(), 'a']),
      'loadFile: path must be a path, or a file: URL, received a LivingOptimizer',
    ],
    [
      'bytes',
      () => Reflect.apply(loadFile, undefined, ['a', new Uint8Array(3)]),
      'loadFile: optimizer must be an optimizer, which has load(), received an Uint8Array',
    ],
  ])('%s', async (_, call, message) => {
    const error = await failure(Promise.resolve().then(call));
    expect(error).toBeInstanceOf(OptionTypeError);
    expect(messageOf(error)).toBe(message);
  });
});

describe('whatever happens while a file is written', () => {
  const programs = { endless: join(outside, 'endless-saver.mjs'), single: join(outside, 'single-saver.mjs') };
  beforeAll(async () => {
    const entries = [new URL('testing/endless-saver.ts', import.meta.url), new URL('testing/single-saver.ts', import.meta.url)];
    await build({
      entryPoints: entries.map((entry) => fileURLToPath(entry)),
      outdir: outside,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      conditions: ['@opt/source'],
    });
  });

  it('killed at any moment, the old or the new one is there, whole, and never one older than what was said to be saved', async () => {
    const path = join(folder, 'a');
    let torn = 0;
    for (let round = 0; round < 24; round++) {
      const child = spawn(process.execPath, [programs.endless, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (text: Buffer) => {
        said += text;
      });
      await once(child.stdout, 'data');
      // Spread over several saves, whatever a save takes here.
      await new Promise((resume) => setTimeout(resume, round * 3.7));
      child.kill('SIGKILL');
      await once(child, 'close');
      const bytes = readFileSync(path);
      const last = Number(said.trimEnd().split('\n').at(-1));
      expect(bytes.equals(Buffer.alloc(2 ** 22, bytes[0]))).toBe(true);
      expect([last % 256, (last + 1) % 256]).toContain(bytes[0]);
      torn += readdirSync(folder).length - 1;
    }
    // Some kills came in the middle of a save; the next one cleaned up.
    expect(torn).toBeGreaterThan(0);
    writeFileSync(join(folder, '.a.b.saving'), 'not ours');
    await saveFile(path, make());
    expect(readdirSync(folder).sort()).toEqual(['.a.b.saving', 'a']);
  });

  it.skipIf(process.platform === 'win32')('beyond the limit of a file, the old one stays and the error says why', () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    // In units of 512 or 1024 bytes: either way less than is to be written.
    const { stdout } = spawnSync('sh', ['-c', `ulimit -f 1000; "$0" "$1" "$2" 4194304`, process.execPath, programs.single, path], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('CheckpointError: saveFile:');
    expect(stdout).toContain('could not be written, an older file is as it was: EFBIG');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  const disk = join(outside, 'disk');
  mkdirSync(disk);
  const small = spawnSync('sh', ['-c', `mount -t tmpfs -o size=1m tmpfs "$0"`, disk]).status === 0;
  afterAll(() => {
    if (small) spawnSync('sh', ['-c', 'umount "$0"', disk]);
  });

  it.skipIf(!small)(
    `on a full disk, the old one stays and the error says why ${small ? '' : '(skipped: no small disk can be mounted here)'}`,
    async () => {
      const path = join(disk, 'a');
      await saveFile(path, saving(new Uint8Array(600_000).fill(1)));
      const error = await failure(saveFile(path, saving(new Uint8Array(600_000).fill(2))));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(messageOf(error)).toContain('could not be written, an older file is as it was: ENOSPC');
      expect(readFileSync(path).equals(Buffer.alloc(600_000, 1))).toBe(true);
      expect(readdirSync(disk)).toEqual(['a']);
      expect(existsSync(path)).toBe(true);
    },
  );
});
