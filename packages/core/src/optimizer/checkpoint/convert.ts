import { isNarrow } from '../../program/narrow.ts';
import { sameShape } from '../../program/shape.ts';
import { elementsOf, held, type Storage, storageOf } from '../memory/storage.ts';
import type { DeclaredSlot, Layout } from '../plans/layout.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { SavedSlot } from './host-state.ts';
import type { SavedTensor } from './safetensors.ts';

/** A file whose slots are held as they are here, where it held them otherwise; and which those were. */
export function converted(checkpoint: Checkpoint, layout: Layout): { readonly checkpoint: Checkpoint; readonly slots: readonly string[] } {
  const tensors = new Map(checkpoint.tensors);
  const said = new Map(checkpoint.host.slots ?? []);
  const slots: string[] = [];
  for (const declared of layout.stateful()) {
    const { key, slot } = declared;
    const [here, there] = [layout.storage(key), storageIn(declared, checkpoint)];
    if (there === undefined || sameParts(here, there)) continue;
    const saved = there.parts.flatMap((part) => tensors.get(part.key)?.data ?? []);
    const data = held(here, slot, elementsOf(there, slot, saved));
    const { kind, symmetric, joins } = said.get(key) ?? { kind: slot.kind, symmetric: slot.symmetric ?? false, joins: undefined };
    for (const part of there.parts) for (const held of [tensors, said]) held.delete(part.key);
    here.parts.forEach(({ key: own, shape, dtype }, i) => {
      tensors.set(own, { shape, data: data[i] ?? new Float32Array(0) } satisfies SavedTensor);
      said.set(own, { kind, symmetric, joins, shape, dtype } satisfies SavedSlot);
    });
    slots.push(key);
  }
  return { checkpoint: { tensors, host: { ...checkpoint.host, slots: checkpoint.host.slots && said } }, slots };
}

/** How a file holds a slot, if it is this slot in any way it can be held. */
function storageIn({ key, slot }: DeclaredSlot, { host }: Checkpoint): Storage | undefined {
  const dtype = host.slots?.get(key)?.dtype;
  if (dtype === undefined) return undefined;
  const plain = { ...slot, dtype: dtype === 'wide' ? dtype : 'working' } as const;
  const asked = dtype === 'uint8' ? 'int8' : isNarrow(dtype) ? dtype : undefined;
  const storage = storageOf(key, plain, asked);
  const fits = storage.parts.every((part) => {
    const saved = host.slots?.get(part.key);
    return saved?.dtype === part.dtype && sameShape(saved.shape, part.shape);
  });
  return fits ? storage : undefined;
}

const sameParts = (one: Storage, other: Storage): boolean =>
  one.parts.length === other.parts.length &&
  one.parts.every(({ key, shape, dtype }, i) => {
    const part = other.parts[i];
    return part !== undefined && part.key === key && part.dtype === dtype && sameShape(part.shape, shape);
  });
