import { CheckpointError, type CheckpointParts, type Floats, type Optimizer, putTogether, required, takeApart } from '@opt/core';

/** What a worker remembers beside its optimizers. */
export interface WorkerState {
  readonly numbers: Readonly<Record<string, number>>;
  readonly tensors: ReadonlyMap<string, Floats>;
}

type Saved = CheckpointParts['tensors'] extends ReadonlyMap<string, infer T> ? T : never;

/** Optimizers and a state in one safetensors file, whose tensors have the name of their optimizer in front. */
export async function saveAll(optimizers: Readonly<Record<string, Optimizer>>, state: WorkerState): Promise<Uint8Array> {
  const tensors = new Map<string, Saved>();
  const metadata: Record<string, string> = { worker: JSON.stringify(state.numbers) };
  for (const [name, optimizer] of Object.entries(optimizers)) {
    const parts = takeApart(await optimizer.save());
    metadata[name] = JSON.stringify(parts.metadata);
    for (const [key, tensor] of parts.tensors) tensors.set(`${name}/${key}`, tensor);
  }
  for (const [key, data] of state.tensors) tensors.set(`worker/${key}`, { shape: [data.length], data });
  return putTogether({ metadata, tensors });
}

/** Takes apart what `saveAll` made, and loads the optimizers. @throws CheckpointError where it is something else */
export async function loadAll(file: Uint8Array, optimizers: Readonly<Record<string, Optimizer>>): Promise<WorkerState> {
  const { metadata, tensors } = takeApart(file);
  const json = (name: string): Record<string, unknown> => {
    const text = metadata[name];
    if (text === undefined)
      throw new CheckpointError(`load: expected a file of a worker with '${name}', got ${Object.keys(metadata).join(', ') || 'none'}`);
    return JSON.parse(text);
  };
  const under = (name: string): Map<string, Saved> =>
    new Map([...tensors].flatMap(([key, tensor]) => (key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), tensor] as const] : [])));
  const numbers = Object.fromEntries(Object.entries(json('worker')).map(([key, value]) => [key, Number(value)]));
  const files = Object.keys(optimizers).map((name) => {
    const own = Object.fromEntries(Object.entries(json(name)).map(([key, value]) => [key, String(value)]));
    return [name, putTogether({ metadata: own, tensors: under(name) })] as const;
  });
  for (const [name, own] of files) await required(optimizers, name, 'optimizer').load(own);
  return { numbers, tensors: new Map([...under('worker')].map(([key, { data }]) => [key, data])) };
}

/** Gives an optimizer other parameters, and leaves its state as it is. */
export async function setParameters(optimizer: Optimizer, values: Readonly<Record<string, Floats>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) (await required(optimizer.parameters, name, 'parameter')).set(value);
  // In host memory these are the parameters themselves; elsewhere they were copies, and the way is by a checkpoint.
  for (const [name, value] of Object.entries(values))
    if (!same(await required(optimizer.parameters, name, 'parameter'), value)) return byCheckpoint(optimizer, values);
}

async function byCheckpoint(optimizer: Optimizer, values: Readonly<Record<string, Floats>>): Promise<void> {
  const { metadata, tensors } = takeApart(await optimizer.save());
  const changed = new Map(tensors);
  for (const [name, data] of Object.entries(values)) {
    const key = `parameter:${name}`;
    changed.set(key, { ...required(Object.fromEntries(tensors), key, 'tensor'), data });
  }
  await optimizer.load(putTogether({ metadata, tensors: changed }));
}

const same = (a: Floats, b: Floats): boolean => a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
