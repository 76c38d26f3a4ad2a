import { linalg } from '@opt/linalg';
import { backendMaker } from '../backends.ts';
import { type Contender, MissingPeer } from './contender.ts';
import { idle } from './idle-backend.ts';
import { models } from './models.ts';
import { ownLinalg } from './own-linalg.ts';
import { ownStep } from './own-step.ts';
import { recipes } from './recipes.ts';

/** A contender of ours by its task: `step/RECIPE/MODEL`, `linalg/OPERATION/N`. The same task runs in another process with other flags. */
export async function ownContender(task: string, backendName: string): Promise<Contender> {
  const [kind, what = '', where = ''] = task.split('/');
  if (kind === 'linalg') return ownLinalg(what, Number(where), linalg());
  const recipe = recipes[what];
  const model = models[where];
  if (kind !== 'step' || recipe === undefined || model === undefined) throw new Error(`no task '${task}'`);
  if (backendName === 'idle') return ownStep(recipe, model.shapes, idle());
  const make = backendMaker(backendName);
  if (make === undefined) throw new MissingPeer(`no backend '${backendName}'`);
  return ownStep(recipe, model.shapes, await make());
}
