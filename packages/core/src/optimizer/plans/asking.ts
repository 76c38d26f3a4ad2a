import { TransformError } from '../../errors.ts';
import { segments } from '../../program/segments.ts';
import type { Asked } from './evaluations.ts';
import type { Asking, Plan } from './plan.ts';

/** The programs of a plan, in the order they run. */
export const partsOf = (plan: Plan): Plan[] => [...plan.asking.map((asking) => asking.plan), plan];

/** A plan whose program is cut at its questions: only what is left of it writes parameters and state. */
export function cutPlan(plan: Plan, asked: readonly Asked[]): Plan {
  if (plan.program === undefined || asked.length === 0) return plan;
  const cuts = asked.map(({ at, along, when, answers, loss }) => ({
    asks: [...[...at, ...along].map(([, key]) => key), ...(when === undefined ? [] : [when])],
    answers: [...answers.map(([, key]) => key), ...(loss === undefined ? [] : [loss])],
  }));
  const cut = segments(plan.program, cuts);
  if (cut === undefined)
    throw new TransformError(
      `evaluate: one of '${asked.map(({ id }) => id).join("', '")}' is made of its own answer; ask by a name of its own what depends on another answer`,
    );
  const asking = cut.before.map(
    ({ program, cuts: at }): Asking => ({
      plan: {
        ...plan,
        program: program.outputs.length === 0 ? undefined : program,
        sound: undefined,
        counted: [],
        reset: [],
        verdicts: [],
        taken: [],
        deferred: undefined,
      },
      questions: at.flatMap((i) => asked[i] ?? []),
    }),
  );
  return { ...plan, program: cut.last, asking };
}
