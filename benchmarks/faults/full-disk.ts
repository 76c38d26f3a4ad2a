import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** A folder on a disk of 64 kB of its own, where this process may mount one. */
export function smallDisk(folder: string): { readonly folder: string; unmount(): void } | undefined {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { folder, unmount: () => void execFileSync('umount', [folder], { stdio: 'ignore' }) };
}
