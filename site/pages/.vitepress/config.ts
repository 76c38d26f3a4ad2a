import { existsSync, readFileSync } from 'node:fs';
import { defineConfigWithTheme } from 'vitepress';

interface Menu {
  readonly title: string;
  readonly pages: readonly { readonly title: string; readonly path: string }[];
}

const written = new URL('./menu.json', import.meta.url);
const menu: readonly Menu[] = existsSync(written) ? JSON.parse(readFileSync(written, 'utf8')) : [];

/** Pages without a framework in the browser: what moves on them are the scripts of the pages that need one. */
export default defineConfigWithTheme<{ readonly menu: readonly Menu[] }>({
  title: '@opt',
  description: 'Optimizers of 2024–26 for JavaScript and TypeScript, proved against their authors’ code.',
  lang: 'en',
  mpa: true,
  appearance: false,
  srcExclude: ['**/README.md'],
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: { menu },
  head: [['link', { rel: 'icon', href: 'data:,' }]],
});
