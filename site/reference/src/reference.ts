import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A package, or one of its further entries such as `local-sgd/redis`, and what it exports as Markdown. */
export interface ReferencePage {
  /** Without the scope; '/' of an entry is '-' here. */
  readonly name: string;
  /** As it is imported. */
  readonly specifier: string;
  /** Of the package, under `packages`. */
  readonly folder: string;
  readonly markdown: string;
}

/** One page for every entry of every package, written by TypeDoc from the sources. */
export async function referencePages(): Promise<readonly ReferencePage[]> {
  const out = mkdtempSync(join(tmpdir(), 'reference-'));
  const entries = entriesOf();
  const options: Partial<TypeDocOptions> & Partial<PluginOptions> = {
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: entries.map(({ file }) => file),
    tsconfig: join(root, 'site/reference/tsconfig.json'),
    basePath: root,
    outputs: [{ name: 'markdown', path: out }],
    // The project's own compiler has done that.
    skipErrorChecking: true,
    logLevel: 'Error',
    readme: 'none',
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    router: 'module',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    hidePageTitle: true,
    sanitizeComments: true,
    groupOrder: ['Functions', 'Variables', 'Interfaces', 'Type Aliases', 'Classes', '*'],
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    tableColumnSettings: { hideModifiers: true, hideInherited: true, hideOverrides: true, hideSources: true },
  };
  try {
    const app = await Application.bootstrapWithPlugins(options);
    const project = await app.convert();
    if (project?.children?.length !== entries.length)
      throw new Error(`reference: ${entries.length} entries, TypeDoc read ${project?.children?.length ?? 'none'}`);
    for (const { name, file } of entries) {
      const module = project.children.find((one) => file.endsWith(`${one.name}.ts`) || file.endsWith(`${one.name}/index.ts`));
      if (module === undefined) throw new Error(`reference: TypeDoc has no module for ${file}`);
      module.name = name;
    }
    await app.generateOutputs(project);
    return entries.map(({ name, specifier, folder }) => ({
      name,
      specifier,
      folder,
      markdown: readFileSync(join(out, `${name}.md`), 'utf8').replaceAll('.md', '.html'),
    }));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** What the packages export, by the sources of their entries. */
function entriesOf(): readonly (Omit<ReferencePage, 'markdown'> & { readonly file: string })[] {
  // What tests backends is a suite to be called, not an interface to be read.
  const folders = readdirSync(join(root, 'packages')).filter((folder) => folder !== 'backend-contract');
  return folders.flatMap((folder) => {
    const { exports }: { readonly exports: Readonly<Record<string, unknown>> } = JSON.parse(
      readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'),
    );
    return Object.entries(exports).map(([entry, conditions]) => {
      const file = sourceOf(conditions);
      if (file === undefined) throw new Error(`reference: '${entry}' of ${folder} names no source`);
      const specifier = `@opt/${folder}${entry.slice(1)}`;
      return { name: specifier.slice('@opt/'.length).replaceAll('/', '-'), specifier, folder, file: join(root, 'packages', folder, file) };
    });
  });
}

/** Under `@opt/source`, or deeper, under the first condition that has one: what is exported is the same under each. */
function sourceOf(conditions: unknown): string | undefined {
  if (typeof conditions !== 'object' || conditions === null) return undefined;
  const source = Object.entries(conditions).find(([condition]) => condition === '@opt/source')?.[1];
  return typeof source === 'string'
    ? source
    : Object.values(conditions)
        .map(sourceOf)
        .find((found) => found !== undefined);
}
