import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { circles } from './circles.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('finds circles of values, of types, over several files and lines', () => {
  const folder = mkdtempSync(join(tmpdir(), 'circles-'));
  try {
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'a.ts'), "import type { B } from './deep/b.ts';\n");
    writeFileSync(join(folder, 'deep/b.ts'), "export {\n  c,\n} from '../c.ts';\n");
    writeFileSync(join(folder, 'c.ts'), "import {\n  a,\n  b,\n} from './a.ts';\nimport './alone.ts';\n");
    writeFileSync(join(folder, 'alone.ts'), "import { readFile } from 'node:fs';\nconst later = () => import('./c.ts');\n");
    expect(circles(folder)).toEqual([['a.ts', 'c.ts', 'deep/b.ts'].map((name) => join(folder, name))]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each(['packages', 'examples', 'benchmarks'])('%s: no file imports itself by way of others', (folder) => {
  expect(circles(join(root, folder))).toEqual([]);
});
