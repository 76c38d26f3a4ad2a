import { readFileSync } from 'node:fs';
import type { OptimizerEntry } from '../optimizers/entry.ts';
import { inRepository } from './repository.ts';

export interface DocumentedOption {
  readonly name: string;
  readonly type: string;
  readonly about: string;
}

export interface Documentation {
  /** The comment above the function, without its tags. */
  readonly text: string;
  /** Options of its own; not those that every optimizer has. */
  readonly options: readonly DocumentedOption[];
}

/** What the source of an optimizer says about it: the comment above it and above each of its options. */
export function documentationOf({ name, from, file }: OptimizerEntry): Documentation {
  const source = readFileSync(inRepository(`packages/${from}/src/${file}`), 'utf8');
  const declared = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*export (?:function|const) ${functionOf(name)}\\b`).exec(source);
  const text = clean(declared?.[1] ?? '').replace(/\n*@throws[\s\S]*$/, '');
  const kind = new RegExp(`export (?:function|const) ${functionOf(name)}\\b[^\\n]*?options\\??: (?:Partial<)?(\\w+)`).exec(source)?.[1];
  return { text, options: kind === undefined ? [] : optionsOf(kind, source) };
}

/** A page may be about a preset of a function. */
export const functionOf = (name: string): string => (name === 'klSoap' ? 'soap' : name);

function optionsOf(kind: string, source: string): DocumentedOption[] {
  const found = new RegExp(`export interface ${kind}([^{]*)\\{([\\s\\S]*?)\\n\\}`).exec(source);
  if (found === null) return [];
  const [, heritage = '', body = ''] = found;
  const own = [...body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)\??: ([^;]+);/g)].map(
    ([, about = '', name = '', type = '']) => ({
      name,
      type: type.replace(/\s+/g, ' ').replace(/\bSetting\b/g, 'number | schedule'),
      about: clean(about).replace(/\s+/g, ' '),
    }),
  );
  const parents = [...heritage.matchAll(/\b(\w+Options)\b/g)].flatMap(([, parent = '']) =>
    parent === 'GeneralOptions' ? [] : optionsOf(parent, source),
  );
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...parents.filter(({ name }) => !names.has(name))];
}

const clean = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
