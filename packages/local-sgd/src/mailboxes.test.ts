import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { directoryMailbox } from './directory.ts';
import { MailboxError, memoryMailbox } from './index.ts';
import { testMailbox } from './testing/mailbox-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'mailbox-'));
afterAll(() => rmSync(folder, { recursive: true }));
let [place, count] = ['', 0];
beforeEach(() => {
  place = join(folder, String(count++));
});

/** What was brought to the disk meanwhile, by the names that Linux has for what is open. */
async function synced(call: () => Promise<unknown>): Promise<string[]> {
  const some = await open(folder);
  const paths: string[] = [];
  const spy = vi.spyOn(Object.getPrototypeOf(some), 'sync').mockImplementation(async function (this: FileHandle) {
    paths.push(readlinkSync(`/proc/self/fd/${this.fd}`));
  });
  await call();
  spy.mockRestore();
  await some.close();
  return paths;
}

describe('memoryMailbox', () => {
  let mailbox = memoryMailbox();
  beforeEach(() => {
    mailbox = memoryMailbox();
  });
  testMailbox(async () => mailbox);
});

describe('directoryMailbox', () => {
  testMailbox(async () => directoryMailbox(place));

  it('reads no more of a posting than is asked for, and nothing that is no file', async () => {
    const mailbox = directoryMailbox(place);
    await mailbox.post(0, new Uint8Array(5000));
    const turn = join(place, 'turns/000000000000');
    mkdirSync(join(turn, 'a-folder'));
    execFileSync('mkfifo', [join(turn, 'a-pipe')]);
    const found = await mailbox.collect(0, { seen: new Set(), wait: 0, most: 100 });
    expect(found.map(({ bytes }) => bytes.length).sort((a, b) => a - b)).toEqual([0, 0, 101]);
  });

  it('keeps as many turns as it is told', async () => {
    const mailbox = directoryMailbox(place, { keep: 2 });
    for (let turn = 0; turn < 5; turn++) {
      await mailbox.post(turn, Uint8Array.of(turn));
      await mailbox.commit(turn, Uint8Array.of(turn));
    }
    expect(readdirSync(join(place, 'commits'))).toEqual(['000000000003', '000000000004']);
    expect(readdirSync(join(place, 'turns'))).toEqual(['000000000003', '000000000004']);
    expect(readdirSync(join(place, 'turns/000000000004'))).toHaveLength(1);
  });

  it('takes no draft for a posting, and removes those of the killed with their turn', async () => {
    const mailbox = directoryMailbox(place, { keep: 2 });
    await mailbox.post(0, Uint8Array.of(1));
    writeFileSync(join(place, 'turns/000000000000/.draft'), 'half of what was to be pos');
    expect(await mailbox.collect(0, { seen: new Set(), wait: 0, most: 100 })).toHaveLength(1);
    for (let turn = 0; turn < 3; turn++) await mailbox.commit(turn, Uint8Array.of(turn));
    expect(readdirSync(join(place, 'turns'))).not.toContain('000000000000');
  });

  it.skipIf(process.platform !== 'linux')(
    'has what it answered for on the disk: the file, then its name, folders that it made too',
    async () => {
      const mailbox = directoryMailbox(place);
      const turn = join(place, 'turns/000000000000');
      const draft = expect.stringContaining(`${turn}/.`);
      const first = await synced(() => mailbox.post(0, Uint8Array.of(1)));
      expect(first).toEqual([join(place, 'turns'), place, folder, draft, turn]);
      expect(await synced(() => mailbox.commit(0, Uint8Array.of(2)))).toEqual([draft, place, join(place, 'commits')]);
      expect(await synced(() => mailbox.post(0, Uint8Array.of(3)))).toEqual([draft, turn]);
    },
  );

  it('says which folder it cannot use, and what is wrong with its options', async () => {
    writeFileSync(place, 'a file');
    await expect(directoryMailbox(place).post(0, new Uint8Array(1))).rejects.toThrow(MailboxError);
    await expect(directoryMailbox(place).committed()).rejects.toThrow(`directoryMailbox: '${place}' cannot be used (`);
    expect(() => directoryMailbox('')).toThrow("directoryMailbox: path must be a path, received ''");
    expect(() => directoryMailbox(place, { keep: 1 })).toThrow('directoryMailbox: keep must be an integer >= 2, or Infinity, received 1');
  });
});
