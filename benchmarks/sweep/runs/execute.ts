import { backendMaker } from '../../src/backends.ts';
import { train } from '../protocol/train.ts';
import type { Catalogue } from './catalogue.ts';
import type { RunResult, RunSpec } from './run.ts';
import type { SettingsKey, settingsKeys } from './settings-key.ts';

/** Does one run, in this process. Throws where the settings here are not those of whoever asked for it. */
export const execute = async (
  catalogue: Catalogue,
  keyOf: ReturnType<typeof settingsKeys>,
  { spec, key }: { readonly spec: RunSpec; readonly key: SettingsKey },
  onStep: (step: number) => void,
): Promise<RunResult> => {
  const contender = catalogue.optimizers.find(({ name }) => name === spec.optimizer);
  const make = backendMaker(spec.backend);
  if (contender === undefined || make === undefined)
    throw new Error(`there is no optimizer ${spec.optimizer} or no backend ${spec.backend} here`);
  if ((await keyOf(spec)) !== key)
    throw new Error('the code of the task or of the optimizer is not the same here as where the sweep was started');
  const backend = await make();
  try {
    const task = await catalogue.task(spec.task);
    return await train({ task, rule: contender.make(spec.rate), backend, seed: spec.seed, steps: spec.steps, onStep });
  } finally {
    backend.dispose();
  }
};
