import { type ExplainedProgram, type Explanation, explain } from '@opt/core';
import type { OptimizerEntry } from './optimizers.ts';

/** What an optimizer runs on one matrix: its programs but for the check of the gradients, the most frequent first. */
export function programsOf({ make, shape = [6, 4] }: OptimizerEntry): {
  readonly explanation: Explanation;
  readonly programs: readonly ExplainedProgram[];
} {
  const explanation = explain(make(), { w: shape }, 40);
  const programs = explanation.programs.filter(({ name }) => name !== 'check').sort((a, b) => b.calls - a.calls);
  return { explanation, programs };
}
