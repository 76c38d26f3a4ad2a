import { CheckpointError } from '../../errors.ts';
import { isNarrow } from '../../program/narrow.ts';
import { printShape, type Shape, sameShape } from '../../program/shape.ts';
import { isParameterKey, parameterKey } from '../memory/keys.ts';
import type { DeclaredPart } from '../plans/layout.ts';
import { ownerOf, stageOf } from '../plans/slot-keys.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { HostState, SavedSlot } from './host-state.ts';
import type { ResolvedLoad } from './load-options.ts';
import { type Join, reorder, sameParameters } from './reorder.ts';
import type { SavedTensor } from './safetensors.ts';

/** What is here, for a file to be held against. */
export interface Standing {
  readonly parameters: ReadonlyMap<string, Shape>;
  readonly slots: readonly DeclaredPart[];
}

/** What of a file goes where. */
export interface Match {
  /** By key: what is to be written. */
  readonly parameters: ReadonlyMap<string, SavedTensor>;
  readonly slots: ReadonlyMap<string, SavedTensor>;
  /** Slots here that start from their initial value. */
  readonly fresh: readonly DeclaredPart[];
  /** Counters that go on. */
  readonly counters: ReadonlyMap<string, number>;
  /** Keys here that the file lacks, and keys of the file that nothing here uses. */
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
  /** Whether the parameters come from another transform, which may not have kept them as this one wants them. */
  readonly foreign: boolean;
}

/** Who came and who went since the file was written. */
interface Change {
  readonly newcomers: ReadonlySet<string>;
  readonly leavers: ReadonlySet<string>;
}

/** Holds a file against what is here, name by name, changing nothing. @throws CheckpointError where they differ and no option allows it */
export function match({ host, tensors }: Checkpoint, here: Standing, options: ResolvedLoad): Match {
  const change = {
    newcomers: new Set([...here.parameters.keys()].filter((name) => !host.parameters.has(name))),
    leavers: new Set([...host.parameters.keys()].filter((name) => !here.parameters.has(name))),
  };
  const parameters = new Map<string, SavedTensor>();
  for (const [name, shape] of here.parameters) {
    const [key, tensor] = [parameterKey(name), tensors.get(parameterKey(name))];
    if (tensor === undefined) continue;
    if (!sameShape(tensor.shape, shape))
      throw new CheckpointError(`load: '${key}' must have shape ${printShape(shape)}, received ${printShape(tensor.shape)}`);
    parameters.set(key, tensor);
  }
  const slots = new Map<string, SavedTensor>();
  const differing: string[] = [];
  const fresh: DeclaredPart[] = [];
  for (const declared of here.slots) {
    const { key, slot } = declared;
    const [tensor, difference] = [tensors.get(key), differenceOf(key, slot, host, tensors.get(key)?.shape)];
    // What joins parameters of which some came or went is as new as they are.
    const regrouped = slot.joins !== undefined && isRegrouped(joinedIn(key, host), Object.entries(slot.joins), change);
    if (difference !== undefined && !regrouped) differing.push(difference);
    if (tensor === undefined || difference !== undefined || regrouped || options.state === 'none') fresh.push(declared);
    else
      slots.set(key, slot.joins === undefined ? tensor : reorder(key, tensor, joinedIn(key, host), Object.entries(slot.joins), slot.dtype));
  }
  const known = new Set([...[...here.parameters.keys()].map(parameterKey), ...here.slots.map(({ key }) => key)]);
  const missing = [...known].filter((key) => !tensors.has(key));
  const surplus = [...tensors.keys()].filter((key) => !known.has(key));
  const strange = {
    missing: missing.filter((key) => !change.newcomers.has(ownerOf(key))),
    surplus: surplus.filter((key) => !change.leavers.has(ownerOf(key))),
    differing,
  };
  const complaints = [...complaintsOf(change, options), ...(options.state === 'all' ? stateComplaints(strange) : [])];
  if (complaints.length > 0) throw new CheckpointError(`load: ${complaints.join('; ')}`, { missing, surplus });
  const foreign = options.state === 'none' || strange.missing.length + strange.surplus.length + differing.length > 0;
  return { parameters, slots, fresh, counters: goingOn(host, here, tensors, slots, change.leavers, options), missing, surplus, foreign };
}

/** How a saved slot is another than the one here of its name, in words. */
function differenceOf(key: string, slot: DeclaredPart['slot'], host: HostState, shape: Shape | undefined): string | undefined {
  if (shape === undefined) return undefined;
  const { kind, dtype = 'working', symmetric = false } = slot;
  // The first format says no more than the shape.
  const saved = host.slots?.get(key) ?? { kind, dtype: isNarrow(dtype) ? 'working' : dtype, symmetric };
  const joins = slot.joins === undefined ? undefined : Object.entries(slot.joins);
  const [now, then] = [
    describe({ kind, dtype, symmetric }, slot.shape, joins),
    describe(saved, shape, host.joins.has(key) ? joinedIn(key, host) : undefined),
  ];
  return now === then ? undefined : `'${key}' is ${now} here, ${then} in the file`;
}

/** In words; the order of what is joined is left out, since that can be changed. */
const describe = ({ kind, dtype, symmetric }: Omit<SavedSlot, 'shape' | 'joins'>, shape: Shape, joins: Join | undefined): string =>
  `${symmetric ? 'symmetric ' : ''}${kind} ${dtype} ${printShape(shape)}${
    joins === undefined
      ? ''
      : ` of ${joins
          .map(([name, part]) => `'${name}' ${printShape(part)}`)
          .sort()
          .join(', ')}`
  }`;

/** What a saved slot joins. */
const joinedIn = (key: string, { joins, parameters }: HostState): Join =>
  (joins.get(key) ?? []).map((name) => [name, parameters.get(name) ?? []]);

const isRegrouped = (saved: Join, today: Join, { newcomers, leavers }: Change): boolean =>
  [...saved, ...today].some(([name]) => newcomers.has(name) || leavers.has(name)) &&
  sameParameters(
    saved.filter(([name]) => !leavers.has(name)),
    today.filter(([name]) => !newcomers.has(name)),
  );

/** Counters of the file that go on here: not those of who left, nor of a stage of which no state was taken. */
function goingOn(
  { counters }: HostState,
  { slots }: Standing,
  tensors: Checkpoint['tensors'],
  written: Match['slots'],
  leavers: ReadonlySet<string>,
  { state }: ResolvedLoad,
): Map<string, number> {
  if (state === 'none') return new Map();
  // A counter that is about no parameter goes the way of its stage, and one of a part that has no state the way of the whole.
  const places = (keys: Iterable<string>): Set<string> =>
    new Set([...keys].flatMap((key) => [`${stageOf(key)}:${ownerOf(key)}`, `${stageOf(key)}:`]));
  const taken = places(written.keys());
  const stateful = places([...[...tensors.keys()].filter((key) => !isParameterKey(key)), ...slots.map(({ key }) => key)]);
  const goesOn = (counter: string): boolean => {
    const owner = ownerOf(counter);
    const place = stagesAbove(counter)
      .map((stage) => `${stage}:${owner}`)
      .find((one) => stateful.has(one));
    return !leavers.has(owner) && (place === undefined || taken.has(place));
  };
  return new Map([...counters].filter(([counter]) => goesOn(counter)));
}

/** The stage of a counter, or of a clock, and those it is a part of. */
function stagesAbove(counter: string): string[] {
  const segments = counter
    .slice(0, counter.indexOf(':'))
    .replace(/@applied$/, '')
    .split('/');
  return segments.map((_, i) => segments.slice(0, segments.length - i).join('/'));
}

function complaintsOf({ newcomers, leavers }: Change, options: ResolvedLoad): string[] {
  const came = options.newcomers === 'refuse' && newcomers.size > 0;
  const went = options.leavers === 'refuse' && leavers.size > 0;
  return [
    ...(came
      ? [`the file must hold ${listed([...newcomers].map(parameterKey))} (to start what it lacks anew: { newcomers: 'fresh' })`]
      : []),
    ...(went
      ? [`the file holds ${listed([...leavers].map(parameterKey))}, nothing here does (to leave that out: { leavers: 'drop' })`]
      : []),
  ];
}

function stateComplaints(strange: {
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
  readonly differing: readonly string[];
}) {
  const said = [
    ...(strange.missing.length > 0 ? [`it lacks ${listed(strange.missing)}`] : []),
    ...(strange.surplus.length > 0 ? [`nothing here uses its ${listed(strange.surplus)}`] : []),
    ...strange.differing,
  ];
  const remedy =
    "(to take what fits: { state: 'matching' }; parameters only: { state: 'none' }; other types of state: { stateDtype: 'convert' })";
  return said.length === 0 ? [] : [`the state is that of another transform: ${said.join('; ')} ${remedy}`];
}

function listed(names: readonly string[], most = 24): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names
    .slice(0, most)
    .map((name) => `'${name}'`)
    .join(', ')}${more}`;
}
