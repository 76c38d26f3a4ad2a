import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepResults } from '../results/results.ts';
import { heatMap } from './heat-map.ts';
import { summaryMarkdown } from './markdown.ts';
import { page, pictureCss } from './page.ts';
import { taskPicture } from './task-figures.ts';

/** Writes the page, its tables in Markdown and the pictures into a folder; gives what was written, relative to it. */
export const writeReports = async (results: SweepResults, out: string): Promise<readonly string[]> => {
  const css = pictureCss();
  const pictures = [
    ...results.tasks.map((task) => [`${task.name}.svg`, taskPicture(task, css)] as const),
    ...(['train', 'test'] as const).map((measure) => [`summary-${measure}.svg`, heatMap(results, measure, css)] as const),
  ];
  await writeFile(join(out, 'sweep.html'), page(results));
  await writeFile(join(out, 'summary.md'), summaryMarkdown(results));
  await mkdir(join(out, 'pictures'), { recursive: true });
  for (const [name, picture] of pictures) if (picture !== undefined) await writeFile(join(out, 'pictures', name), picture);
  return ['sweep.html', 'summary.md', 'pictures/'];
};
