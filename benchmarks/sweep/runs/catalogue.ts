import { type Contender, optimizers } from '../../tasks/optimizers.ts';
import type { Task, TaskName } from '../../tasks/task.ts';
import { tasks } from '../../tasks/tasks.ts';
import { taskCode } from './task-code.ts';

/** What runs are made of. Workers import a module that exports one, so that tests can hand in small problems. */
export interface Catalogue {
  readonly optimizers: readonly Contender[];
  task(name: TaskName): Promise<Task>;
  /** Changes when the code of the task does. */
  taskCode(name: TaskName): Promise<string>;
}

/** The ten tasks and every optimizer. */
export const catalogue: Catalogue = { optimizers, task: (name) => tasks[name](), taskCode };
