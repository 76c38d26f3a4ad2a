import { TransformError } from '../../errors.ts';
import { during } from '../../trace/graph.ts';
import { Counters } from './counters.ts';
import type { Layout } from './layout.ts';
import { StepSite } from './step-site.ts';
import { StepTrace } from './step-trace.ts';

/** Traces what stages asked to have traced beside everything (`Declarer.rehearse`), and throws what that finds. */
export function rehearse(layout: Layout): void {
  for (const { path, f } of layout.rehearsals) {
    const complaint = attempt(layout, path, f);
    if (complaint !== undefined) throw new TransformError(complaint);
  }
}

function attempt(layout: Layout, path: string, f: Layout['rehearsals'][number]['f']): string | undefined {
  const trace = new StepTrace(layout, new Counters(), 'step', true, { seed: 0 }, { samples: 1 });
  try {
    return during(trace.tracing, () => f(new StepSite(trace, path), (key, shape) => trace.input(key, shape, 'working')));
  } catch {
    // What fails for want of something that only a step has, fails there in its own words, if it fails at all.
    return undefined;
  }
}
