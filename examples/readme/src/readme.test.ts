import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Where blocks are run; every package of the workspace is linked there, so none has to be listed. */
const workplace = fileURLToPath(new URL('../blocks/', import.meta.url));

interface Block {
  readonly readme: string;
  readonly file: string;
  readonly code: string;
}

function blocksOf(readme: string): Block[] {
  const text = readFileSync(join(root, readme), 'utf8');
  const name = readme.replace(/\W+/g, '-').toLowerCase();
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = ''], i) => ({
    readme,
    file: join(workplace, `${name}-${i}.ts`),
    code,
  }));
}

/** What a package's README may import beside `@opt`: the engines it is developed with. */
function linkPeers(from: string, to: string): void {
  for (const entry of existsSync(from) ? readdirSync(from) : []) {
    if (entry.startsWith('.') || entry === '@opt') continue;
    if (entry.startsWith('@')) {
      mkdirSync(join(to, entry), { recursive: true });
      linkPeers(join(from, entry), join(to, entry));
    } else if (!existsSync(join(to, entry))) {
      symlinkSync(join(from, entry), join(to, entry));
    }
  }
}

/** Where there is no GPU, WebGPU finds SwiftShader, which Debian's `chromium` brings along. */
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const emulated = existsSync(driver) && !['/dev/dri', '/dev/nvidia0'].some(existsSync);
const env = { XDG_RUNTIME_DIR: '/tmp', ...(emulated && { VK_ICD_FILENAMES: driver }), ...process.env };

const packages = readdirSync(join(root, 'packages'));
const start = readdirSync(join(root, 'site/pages/start')).filter((name) => name !== 'index.md');
const readmes = ['README.md', ...packages.map((name) => `packages/${name}/README.md`), ...start.map((name) => `site/pages/start/${name}`)];
const blocks = readmes.filter((readme) => existsSync(join(root, readme))).flatMap(blocksOf);

beforeAll(() => {
  rmSync(workplace, { recursive: true, force: true });
  mkdirSync(join(workplace, 'node_modules/@opt'), { recursive: true });
  for (const name of packages) {
    symlinkSync(join(root, 'packages', name), join(workplace, 'node_modules/@opt', name));
    linkPeers(join(root, 'packages', name, 'node_modules'), join(workplace, 'node_modules'));
  }
  for (const { file, code } of blocks) writeFileSync(file, code);
});
afterAll(() => rmSync(workplace, { recursive: true, force: true }));

describe('READMEs and pages', () => {
  it.each(readmes)('%s exists and has a code block that runs', (readme) => {
    expect(existsSync(join(root, readme)), `${readme} is missing`).toBe(true);
    expect(blocks.filter((block) => block.readme === readme).length).toBeGreaterThan(0);
  });

  it('every block compiles', async () => {
    const config = { extends: '../../../tsconfig.check.json', include: ['*.ts'] };
    writeFileSync(join(workplace, 'tsconfig.json'), JSON.stringify(config));
    const compiled = await run(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      join(workplace, 'tsconfig.json'),
    ]).catch((error: unknown) => error);
    expect(compiled).toMatchObject({ stdout: '' });
  });

  it.each(blocks.map(({ file, readme }, i) => ({ name: `${readme}, block ${i}`, file })))(
    '$name runs and prints something',
    async ({ file }) => {
      const { stdout } = await run(process.execPath, ['--import', 'tsx', '--conditions', '@opt/source', file], { cwd: root, env });
      expect(stdout.trim()).not.toBe('');
    },
  );
});
