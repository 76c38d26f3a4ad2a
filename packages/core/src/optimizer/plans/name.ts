import type { Shapes } from '../../transform/transform.ts';
import type { StepTrace } from './step-trace.ts';

/** What sets a program apart, for people: the answers it was traced for, and what was missing. */
export function nameOf(trace: StepTrace, present: ReadonlySet<string>, shapes: Shapes): string {
  const said = trace.questions.map((question) => (question.about === 'count' ? question.answer : question.label));
  const answers = [...new Set(said)].filter((answer) => answer !== '').join(', ') || 'step';
  const { alone } = trace;
  if (alone !== undefined) return `${answers}, ${alone.name} alone${present.has(alone.name) ? '' : ' without a gradient'}`;
  const missing = Object.keys(shapes).filter((name) => !present.has(name));
  return `${answers}${missing.length === 0 ? '' : ` without ${missing.join(', ')}`}`;
}
