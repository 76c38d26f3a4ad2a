import { readFileSync } from 'node:fs';
import { type ReferencePage, referencePages } from '../../reference/src/reference.ts';
import type { OptimizerEntry } from '../optimizers/entry.ts';
import { optimizers } from '../optimizers/optimizers.ts';
import { functionOf } from './documented.ts';
import { escaped } from './escaped.ts';
import { inRepository } from './repository.ts';

export interface WrittenPage {
  /** Without the ending. */
  readonly path: string;
  readonly title: string;
  readonly markdown: string;
}

/** The reference of every package and a list of them. Where an optimizer has a page of its own, its function leads there. */
export async function referenceSection(): Promise<readonly WrittenPage[]> {
  const entries = await referencePages();
  return [{ path: 'reference/index', title: 'API reference', markdown: list(entries) }, ...entries.map(packagePage)];
}

/** Where the reference says what an optimizer's page is about, from that page. */
export const referenceOf = (entry: OptimizerEntry): string => `../reference/${entry.from}.html#${functionOf(entry.name).toLowerCase()}`;

function packagePage({ name, specifier: title, folder, markdown }: ReferencePage): WrittenPage {
  const text = [...pagesByFunction(name)].reduce(
    (page, [exported, entries]) => {
      const heading = new RegExp(`^### ${exported}(?:\\(\\))?$`, 'm');
      if (!heading.test(page)) throw new Error(`reference: ${title} has no '${exported}', which has a page`);
      const links = entries.map((entry) => `<a href="../optimizers/${entry.name}.html">${escaped(entry.title)}</a>`).join(', ');
      return page.replace(heading, (found) => `${found}\n\n<p class="to-page">Equations, costs and proofs: ${links}</p>`);
    },
    markdown.replace(/^\*\*\*$/gm, ''),
  );
  return {
    path: `reference/${name}`,
    title,
    markdown: ['---', `title: "${title}"`, '---', `# ${title}`, `<p class="lead">${escaped(about(folder))}</p>`, '', text].join('\n'),
  };
}

const about = (folder: string): string => {
  const described: { readonly description: string } = JSON.parse(readFileSync(inRepository(`packages/${folder}/package.json`), 'utf8'));
  return described.description;
};

/** The optimizers of a package that have pages, by what exports them. */
function pagesByFunction(name: string): ReadonlyMap<string, readonly OptimizerEntry[]> {
  const own = optimizers.filter(({ from }) => from === name);
  return new Map(own.map((one) => [functionOf(one.name), own.filter((other) => functionOf(other.name) === functionOf(one.name))]));
}

function list(entries: readonly ReferencePage[]): string {
  const items = entries.map(
    ({ name, specifier, folder }) =>
      `<li><a href="../reference/${name}.html"><code>${specifier}</code></a><p>${escaped(about(folder))}</p></li>`,
  );
  return [
    '---',
    'title: API reference',
    '---',
    '# API reference',
    '<p class="lead">What every package exports, written by TypeDoc from the sources. What an optimizer computes is on <a href="../optimizers/index.html">its own page</a>.</p>',
    '',
    '<ul class="cards">',
    ...items,
    '</ul>',
    '',
  ].join('\n');
}
