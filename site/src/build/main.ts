import { buildSite } from './build.ts';
import { inRepository } from './repository.ts';
import { serve } from './serve.ts';

// `pnpm site` builds the site into site/dist and serves it; with `--build` it only builds; `--out` names another folder.
const out = process.argv.indexOf('--out');
const folder = (out > 0 && process.argv[out + 1]) || inRepository('site/dist');
await buildSite(folder);
if (!process.argv.includes('--build')) {
  const { address } = await serve(folder, Number(process.env['PORT'] ?? 4173));
  console.log(`${address}/`);
}
