import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groups, optimizers } from '../optimizers/optimizers.ts';
import { escaped } from './escaped.ts';
import { optimizerPage } from './optimizer-page.ts';
import { recordedCases } from './recorded.ts';
import { referenceSection } from './reference.ts';
import { inRepository } from './repository.ts';
import { resultsPage } from './results-page.ts';
import { raceStill } from './still.ts';

const pages = inRepository('site/pages');

/** Writes the pages that are made of the code beside those that are written by hand, into `folder`. */
export async function writePages(folder: string): Promise<void> {
  const reference = await referenceSection();
  const menu = [
    {
      title: 'Start',
      pages: [
        { title: 'Which is your loop?', path: '/start/' },
        ...['tfjs', 'jax-js', 'arrays', 'onnx', 'webgpu', 'recipes', 'moving'].map((name) => ({
          title: titleOf(`start/${name}.md`),
          path: `/start/${name}.html`,
        })),
        { title: 'An optimizer of your own', path: '/start/write-an-optimizer.html' },
      ],
    },
    {
      title: 'Measured',
      pages: [
        { title: 'Results', path: '/results.html' },
        { title: 'Race', path: '/playground.html' },
        { title: 'The bowl', path: '/bowl.html' },
        { title: 'A run under lenses', path: '/lens.html' },
        { title: 'Where a basis matters', path: '/valley.html' },
        { title: 'What is rarely seen', path: '/memory.html' },
        { title: 'On a sphere', path: '/sphere.html' },
        { title: 'Figures in your page', path: '/embed.html' },
      ],
    },
    ...groups.map(({ title, entries }) => ({
      title,
      pages: entries.map((entry) => ({ title: entry.title, path: `/optimizers/${entry.name}.html` })),
    })),
    { title: 'Reference', pages: reference.map(({ path, title }) => ({ title, path: `/${path}.html` })) },
  ];
  for (const path of readdirSync(pages, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(md|css|vue|ts)$/.test(path)) continue;
    const target = join(folder, path);
    mkdirSync(join(target, '..'), { recursive: true });
    writeFileSync(target, filled(readFileSync(join(pages, path), 'utf8')));
  }
  writeFileSync(join(folder, '.vitepress/menu.json'), JSON.stringify(menu));
  for (const made of ['optimizers', 'reference']) mkdirSync(join(folder, made), { recursive: true });
  for (const { path, markdown } of reference) writeFileSync(join(folder, `${path}.md`), markdown);
  for (const entry of optimizers) writeFileSync(join(folder, `optimizers/${entry.name}.md`), optimizerPage(entry));
  writeFileSync(join(folder, 'optimizers/index.md'), overview());
  writeFileSync(join(folder, 'results.md'), resultsPage());
  // The same text that is read in the repository.
  writeFileSync(join(folder, 'start/write-an-optimizer.md'), readFileSync(inRepository('docs/write-an-optimizer.md'), 'utf8'));
}

/** What is counted and drawn at build time. */
const filled = (text: string): string =>
  text.includes('class="race-still"') || text.includes('class="count-recorded"')
    ? text.replace('<span class="count-recorded"></span>', `${recordedCases.length}`).replace('<div class="race-still"></div>', raceStill())
    : text;

const titleOf = (path: string): string => /^title: (.*)$/m.exec(readFileSync(join(pages, path), 'utf8'))?.[1] ?? path;

function overview(): string {
  const sections = groups.flatMap(({ title, entries }) => [
    `## ${title}`,
    '',
    '<ul class="cards">',
    ...entries.map((entry) => `<li><a href="./${entry.name}.html">${escaped(entry.title)}</a><p>${inline(entry.when)}</p></li>`),
    '</ul>',
    '',
  ]);
  return [
    '---',
    'title: Optimizers',
    '---',
    '# Optimizers',
    `<p class="lead">${optimizers.length} pages, each made of the code it is about: the equations are printed from the program that runs, the costs come from it, and the runs it was proved against are counted.</p>`,
    '',
    ...sections,
  ].join('\n');
}

const inline = (text: string): string => escaped(text).replace(/`([^`]*)`/g, '<code v-pre>$1</code>');
