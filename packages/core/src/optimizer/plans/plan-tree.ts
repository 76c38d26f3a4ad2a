import type { Plan } from './plan.ts';
import type { Question } from './step-trace.ts';

/** At each node one recorded question, below it the plans of each answer. */
interface Branch {
  question: Question | undefined;
  readonly answers: Map<string, Branch>;
  plan: Plan | undefined;
}

const branch = (): Branch => ({ question: undefined, answers: new Map(), plan: undefined });

/** Plans by the answers they were traced for. */
export class PlanTree {
  private readonly roots = new Map<string, Branch>();
  /** Where plans hang. */
  private readonly homes = new WeakMap<Plan, Branch>();

  find(key: string, ask: (question: Question) => string): Plan | undefined {
    let at = this.roots.get(key);
    while (at?.question !== undefined) at = at.answers.get(ask(at.question));
    return at?.plan;
  }

  hang(key: string, questions: readonly Question[], plan: Plan): void {
    let at = this.roots.get(key) ?? branch();
    this.roots.set(key, at);
    for (const question of questions) {
      at.question ??= question;
      const next = at.answers.get(question.answer) ?? branch();
      at.answers.set(question.answer, next);
      at = next;
    }
    at.plan = plan;
    this.homes.set(plan, at);
  }

  remove(plan: Plan): void {
    const home = this.homes.get(plan);
    if (home !== undefined) home.plan = undefined;
  }

  clear(): void {
    this.roots.clear();
  }
}
