import { type ExplainedProgram, explain, type Scalar } from '@opt/core';
import { equationsOf } from '../equations/statements.ts';
import { type Letter, lettersOf, symbolsOf } from '../equations/symbols.ts';
import { linesOf } from '../equations/tex.ts';
import type { OptimizerEntry } from '../optimizers/entry.ts';
import { programsOf } from '../optimizers/programs.ts';
import { entrants } from '../race/entrants.ts';
import { type DocumentedOption, documentationOf } from './documented.ts';
import { escaped } from './escaped.ts';
import { mathml } from './mathml.ts';
import { recordedOf } from './recorded.ts';
import { referenceOf } from './reference.ts';

/** The page of an optimizer, as Markdown: nothing on it is written twice. */
export function optimizerPage(entry: OptimizerEntry): string {
  const { explanation, programs } = programsOf(entry);
  const { text, options } = documentationOf(entry);
  const [main, ...others] = programs;
  return [
    '---',
    `title: ${JSON.stringify(entry.title)}`,
    '---',
    `# ${entry.title}`,
    `<p class="lead" v-pre>${escaped(entry.lead ?? firstSentence(text))}</p>`,
    '',
    '```ts',
    `import { ${imported(entry)} } from '@opt/${entry.from}';`,
    ...(entry.also === undefined ? [] : [entry.also]),
    '',
    `const transform = ${entry.written};`,
    '```',
    '',
    '<div class="advice">',
    '',
    `**Take it for** ${lower(entry.when)}`,
    '',
    `**Not for** ${lower(entry.whenNot)}`,
    '',
    '</div>',
    '',
    '## The step',
    main === undefined ? '' : programBlock(main, explanation.programs.find(({ name }) => name === 'check')?.calls ?? 40),
    '',
    main === undefined ? '' : legend(main, explanation.hyperparameters),
    ...others.map((program) => folded(program)),
    `Printed from the program that runs on a ${(entry.shape ?? [6, 4]).join(' × ')} matrix, and evaluated against it at a hundred random points. Squares, roots and fractions of matrices are taken entry by entry; ⊙ is a product of entries, [·] is 1 where a condition holds and 0 elsewhere. What only guards against overflow and division by zero is left out.`,
    '',
    raceLink(entry),
    '',
    '## What it costs',
    costs(entry),
    '',
    '## Options',
    optionTable(options, explanation.hyperparameters),
    'and those that every optimizer has: clipping, accumulation, loss scaling, an average of the weights ([recipes](../start/recipes.html)).',
    '',
    '## Proved against',
    proofs(entry),
    '',
    '## In its own words',
    `<pre class="words" tabindex="0" v-pre>${escaped(text)}</pre>`,
    '',
    `From <code v-pre>packages/${entry.from}/src/${entry.file}</code>; with its types in the [reference of @opt/${entry.from}](${referenceOf(entry)}).`,
    '',
  ].join('\n');
}

/** Where it can be entered into the race: a race against AdamW, each at its rate. */
function raceLink({ name }: OptimizerEntry): string {
  const wanted = name === 'normalizeEma' ? 'soapnormalizeema' : name.toLowerCase();
  const entrant = entrants.find((one) => one.name.replaceAll('-', '') === wanted);
  if (entrant === undefined) return '';
  const rival = entrant.name === 'adamw' ? 'soap' : 'adamw';
  const says = rival === 'adamw' ? 'Race it against AdamW' : 'Race it against SOAP';
  return `<p class="race-link"><a href="../playground.html#lane=${entrant.name}&amp;lane=${rival}">${says}</a>, in this browser.</p>`;
}

const imported = ({ name, written }: OptimizerEntry): string =>
  name === 'klSoap' ? 'klSoap, soap' : /^adamw\(\)\.map/.test(written) ? 'adamw, cautious' : name;

const lower = (text: string): string =>
  /^[A-Z][a-z]/.test(text) && !/^(Hamiltonian|Nesterov|Muon|Shampoo|Adam)/.test(text) ? text[0]?.toLowerCase() + text.slice(1) : text;

/** Up to the first formula or full stop. */
const firstSentence = (text: string): string => {
  const [paragraph = ''] = text.replace(/\n/g, ' ').split(/ {4,}|: {2,}/);
  const [sentence = paragraph] = /^.*?[.](?= |$)(?<!al\.|e\.g\.)/.exec(paragraph) ?? [];
  return sentence.replace(/[,:;]?\s*$/, '').replace(/\.?$/, '.');
};

function lines({ program, lags }: ExplainedProgram): string {
  const { statements } = equationsOf(program);
  const letters = lettersOf(statements, new Map(symbolsOf({ program, lags }).map(({ id, tex }) => [id, tex])));
  return linesOf(statements, letters)
    .map(({ tex, depth }) => `<div class="line depth-${Math.min(depth, 3)}">${mathml(tex)}</div>`)
    .join('');
}

const programBlock = (explained: ExplainedProgram, calls: number): string => {
  const block = `<div class="equations" tabindex="0" role="group" aria-label="Equations of the step" v-pre>${lines(explained)}</div>`;
  return explained.calls >= calls ? block : `In ${explained.calls} of the first ${calls} calls:\n\n${block}`;
};

const folded = (explained: ExplainedProgram): string =>
  `<details class="program"><summary>${explained.name}: ${explained.calls === 1 ? 'one' : explained.calls} of the first 40 calls</summary><div class="equations" tabindex="0" role="group" aria-label="Equations of ${explained.name}" v-pre>${lines(explained)}</div></details>\n`;

function legend(explained: ExplainedProgram, defaults: Readonly<Record<string, Scalar>>): string {
  const seen = new Set<string>();
  const items = symbolsOf(explained).flatMap(({ kind, about, tex }: Letter): string[] => {
    if (seen.has(about) || kind === 'count' || about === 'verdict') return [];
    seen.add(about);
    const meaning =
      kind === 'hyper' ? `<code>${about}</code> ${shown(defaults[about])}` : kind === 'state' ? `state <code>${about}</code>` : about;
    return [`<div><dt>${mathml(tex)}</dt><dd>${meaning}</dd></div>`];
  });
  return `<dl class="legend" v-pre>${items.join('')}</dl>\n`;
}

const shown = (value: Scalar | undefined): string => (typeof value === 'number' ? `= ${value}` : '');

const quantity = (value: number): string => {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`;
  return `${value.toFixed(0)} `;
};

function costs(entry: OptimizerEntry): string {
  const shape = entry.shape === undefined ? [512, 256] : [256, 256];
  const { programs, stateBytes, parameterCount } = explain(entry.make(), { w: shape }, 200);
  const rows = programs
    .filter(({ name }) => name !== 'check')
    .map(
      ({ name, calls, flops, bytes }) =>
        `| ${name} | ${calls} | ${quantity(flops)}FLOP | ${quantity(flops / parameterCount).trim()} | ${quantity(bytes)}B |`,
    );
  return [
    `On a ${shape.join(' × ')} matrix: **${quantity(stateBytes)}B of state**, ${(stateBytes / 4 / parameterCount).toPrecision(2)} times the weights.`,
    '',
    '| program | of 200 calls | work | FLOP a parameter | memory moved |',
    '|---|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

function optionTable(options: readonly DocumentedOption[], defaults: Readonly<Record<string, Scalar>>): string {
  if (options.length === 0) return 'Those that are named in its own words below,';
  const cell = (text: string): string => escaped(text).replaceAll('|', '\\|').replaceAll('{', '&#123;').replaceAll('}', '&#125;');
  const rows = options.map(
    ({ name, type, about }) =>
      `| \`${name}\` | ${cell(type)} | ${cell(about)} | ${typeof defaults[name] === 'number' ? defaults[name] : ''} |`,
  );
  return [
    '<div class="scroll options" tabindex="0" role="group" aria-label="Options">',
    '',
    '| option | type | what it is | at the start |',
    '|---|---|---|--:|',
    ...rows,
    '',
    '</div>',
    '',
  ].join('\n');
}

function proofs(entry: OptimizerEntry): string {
  const proofs = recordedOf(entry);
  if (proofs.length === 0)
    return 'No code of others was recorded. Its formula is tested, and so are the properties that every optimizer here has: resumption to the last bit, poisoned gradients, odd shapes, every backend against the reference in f64.';
  const total = proofs.reduce((sum, { cases }) => sum + cases, 0);
  const rows = proofs.map(
    ({ reference, cases }) =>
      `| ${reference === 'own' ? 'a plain reference written for these cases' : reference === '' ? 'a plain reference' : reference} | ${cases} |`,
  );
  return [
    `**${total} recorded ${total === 1 ? 'run' : 'runs'}**, every tensor compared after every step, in f64 on the reference backend to 10⁻⁹ (unless a case says otherwise) and in f32 on every other:`,
    '',
    '| recorded with | runs |',
    '|---|--:|',
    ...rows,
  ].join('\n');
}
