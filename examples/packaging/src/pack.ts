import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const run = promisify(execFile);
export const root: string = fileURLToPath(new URL('../../../', import.meta.url));
export const here: string = fileURLToPath(new URL('../', import.meta.url));

/** Folders of our packages. */
export const packages: readonly string[] = readdirSync(join(root, 'packages'));

/** pnpm as it runs this test, or the pinned one. */
export function pnpm(args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  const entry = process.env['npm_execpath'];
  const options = { cwd, env: { ...process.env, npm_config_verify_deps_before_run: 'false' }, maxBuffer: 2 ** 26 };
  return entry?.includes('pnpm') ? run(process.execPath, [entry, ...args], options) : run('npx', ['-y', 'pnpm@10.34.9', ...args], options);
}

/** Packs every package as it would be published; gives the tarballs by name. */
export async function packAll(destination: string): Promise<Map<string, string>> {
  const { stdout } = await pnpm(['--filter', './packages/*', '--recursive', 'pack', '--json', '--pack-destination', destination], root);
  const packed: readonly { readonly name: string; readonly filename: string }[] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return new Map(packed.map(({ name, filename }) => [name, filename]));
}
