import { figure } from '../../../examples/race/src/figures.ts';
import { recordedOf, recordedScores, withinRecorded } from '../results/recorded.ts';
import type { SweepResults } from '../results/results.ts';
import { standings } from '../results/standings.ts';
import { besideAdamwTable, caveats, winnerCells, winnerHeads, winners } from '../results/tables.ts';

const markdownTable = ([heads = [], ...rows]: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** The winners, every mean, what was recorded with PyTorch beside ours, and how soon AdamW's best is reached, as tables for a README. */
export const summaryMarkdown = (results: SweepResults): string => {
  const beside = besideAdamwTable(results);
  const parts = [
    ...(caveats(results).length > 0
      ? [
          caveats(results)
            .map((caveat) => `- ${caveat}`)
            .join('\n'),
        ]
      : []),
    ...(['train', 'test'] as const).flatMap((measure) => {
      const rows = winners(results, measure).map(winnerCells);
      return rows.length > 0 ? [markdownTable([winnerHeads(measure), ...rows])] : [];
    }),
    markdownTable(means(results)),
    ...besideRecorded(results),
    ...(beside.length > 0 ? [markdownTable(beside)] : []),
  ];
  return `${parts.join('\n\n')}\n`;
};

/** Mean training loss over the seeds, optimizers down, tasks across; the first of a task is bold. */
const means = ({ tasks }: SweepResults): readonly (readonly string[])[] => {
  const stood = tasks
    .map((task) => ({ name: task.name, standing: standings(task, 'train') }))
    .filter(({ standing }) => standing.length > 0);
  const labels = new Map(stood.flatMap(({ standing }) => standing.map(({ name, label }) => [name, label] as const)));
  const rows = [...labels].map(([name, label]) => [
    label,
    ...stood.map(({ standing }) => {
      const own = standing.find((one) => one.name === name);
      if (own === undefined) return '–';
      return own === standing[0] ? `**${figure(own.mean)}**` : figure(own.mean);
    }),
  ]);
  return [['mean training loss', ...stood.map(({ name }) => name)], ...rows];
};

/** Per task how many of our scores of seed 0 lie within the recorded spread, and those that do not. */
const besideRecorded = ({ tasks }: SweepResults): readonly string[] => {
  const rows = tasks.flatMap((task) => {
    const torch = recordedOf(task)?.optimizers;
    const compared = standings(task, 'train').flatMap(({ name, label, values: [score = Number.NaN] }) => {
      const reference = torch?.[name];
      if (reference === undefined) return [];
      const [recordedScore = Number.NaN] = recordedScores(reference);
      return [
        { within: withinRecorded(task.name, score, reference), text: `${label} ${figure(score)}, recorded ${figure(recordedScore)}` },
      ];
    });
    if (compared.length === 0) return [];
    const outside = compared.filter(({ within }) => !within).map(({ text }) => text);
    return [[task.name, `${compared.length - outside.length} of ${compared.length}`, outside.join('; ') || '–']];
  });
  return rows.length > 0 ? [markdownTable([['beside PyTorch, seed 0', 'within its spread', 'outside'], ...rows])] : [];
};
