import { join } from 'node:path';
import { onnx } from '@opt/backend-onnx';
import { reference } from '@opt/backend-reference';
import { wasm } from '@opt/backend-wasm';
import { loadFile, saveFile } from '@opt/checkpoint-file';
import { CheckpointError, createOptimizer, OptError, type Optimizer, StepInterrupted } from '@opt/core';
import type { Poison } from './asking.ts';
import type { Dice } from './dice.ts';
import { killedSave } from './killed-save.ts';
import { Pair, Violation } from './pair.ts';
import { gradients, type Subject, stepOf } from './subject.ts';

/** How far another backend may lie from the undisturbed run after three steps, relative to the largest element of a parameter. */
export const bound = 2e-3;

/** Where files go: an ordinary folder, and one that is full, where there is one. */
export interface Places {
  readonly folder: string;
  readonly full: string | undefined;
}

/** One kind of fault: tries it, and throws a `Violation` where it is not as it should be. */
export interface Fault {
  readonly name: string;
  /** Out of a million. */
  readonly weight: number;
  readonly needs?: keyof Places;
  run(pair: Pair, dice: Dice, places: Places): void | Promise<void>;
}

const poisons = [Number.NaN, Infinity, -Infinity];
const extremes = [3.4e38, -3.3e38, 1.85e19, 1e30, -1e25, 1e-45, 1e-39, -1e-30];

/** What `call` throws; a violation if it does not, or throws something else than it should. */
function refusal(what: string, kind: abstract new (...given: never[]) => Error, call: () => void): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof kind) return error;
    throw new Violation(`${what}: ${kind.name} expected, received ${String(error)}`);
  }
  throw new Violation(`${what}: was accepted`);
}

export const faults: readonly Fault[] = [
  {
    name: 'poisoned gradient',
    weight: 360_000,
    run(pair, dice) {
      const { subject, tried } = pair;
      const noise = gradients(dice, subject);
      const poisoned = noise[dice.pick(Object.keys(noise))];
      if (poisoned !== undefined) poisoned[dice.below(poisoned.length)] = dice.pick(poisons);
      const before = tried.skippedSteps;
      pair.stepTried(noise);
      if (tried.skippedSteps !== before + 1) throw new Violation('a poisoned gradient was not counted');
    },
  },
  {
    name: 'poisoned answer',
    weight: 20_000,
    run(pair, dice) {
      const { subject, tried } = pair;
      const noise = gradients(dice, subject);
      const poison: Poison = { value: dice.pick(poisons), asked: false };
      const before = tried.skippedSteps;
      pair.stepTried(noise, poison);
      if (tried.skippedSteps !== before + Number(poison.asked)) throw new Violation('a poisoned answer was not counted');
      // Nobody asked in this step, so it was an ordinary one.
      if (!poison.asked) pair.stepCalm(noise);
    },
  },
  {
    name: 'huge or tiny gradient',
    weight: 150_000,
    run(pair, dice) {
      const given = gradients(dice, pair.subject);
      const part = given[dice.pick(Object.keys(given))];
      const factor = dice.pick(extremes);
      if (dice.next() < 0.5) part?.fill(factor);
      else if (part !== undefined) part[dice.below(part.length)] = factor;
      pair.step(given);
    },
  },
  {
    name: 'missing gradients',
    weight: 30_000,
    run(pair, dice) {
      pair.step(Object.fromEntries(Object.entries(gradients(dice, pair.subject)).filter(() => dice.next() < 0.6)));
    },
  },
  {
    name: 'damaged checkpoint',
    weight: 418_000,
    run({ tried }, dice) {
      const damaged = damage(tried.save(), dice);
      refusal('a damaged checkpoint', CheckpointError, () => void tried.load(damaged));
    },
  },
  {
    name: 'resumed',
    weight: 10_000,
    run({ tried }) {
      tried.load(tried.save());
    },
  },
  {
    name: 'lost device',
    weight: 8_000,
    run(pair, dice) {
      const noise = gradients(dice, pair.subject);
      const file = pair.tried.save();
      pair.stepCalm(noise);
      pair.lose();
      refusal('a lost device', StepInterrupted, () => pair.stepTried(noise));
      refusal('a step after it', StepInterrupted, () => pair.stepTried(noise));
      pair.tried.load(file);
      pair.stepTried(noise);
    },
  },
  {
    name: 'full memory',
    weight: 2_600,
    run({ subject }, dice) {
      const backend = wasm({ maxMemory: 2 ** 20 * (17 + dice.below(8)) });
      const parameters = { ...subject.start, large: { shape: [2 ** 22], data: new Float32Array(2 ** 22) } };
      refusal('full memory', OptError, () => void createOptimizer({ transform: subject.make(), parameters, backend }));
      if (backend.buffers !== 0) throw new Violation(`full memory: ${backend.buffers} buffers stay`);
      backend.dispose();
    },
  },
  {
    name: 'another backend and back',
    weight: 1_000,
    async run({ subject }, dice) {
      // From the start: what huge gradients leave in a basis or a moment is not known to as many digits.
      const own = new Pair(subject);
      for (let i = 0; i < 4; i++) ordinary(own, dice);
      const { calm, tried } = own;
      const [first = {}, second = {}, third = {}] = [0, 1, 2].map(() => gradients(dice, subject));
      const there = await onnx({ threads: 1 });
      const elsewhere = await createOptimizer({ transform: subject.make(), parameters: subject.start, backend: there });
      const once = await oneStep(subject, elsewhere, tried.save(), first);
      there.dispose();
      const plain = reference({ precision: 'f32' });
      const twice = await oneStep(
        subject,
        createOptimizer({ transform: subject.make(), parameters: subject.start, backend: plain }),
        once,
        second,
      );
      tried.load(twice);
      own.stepTried(third);
      for (const noise of [first, second, third]) own.stepCalm(noise);
      for (const name of Object.keys(subject.shapes)) checkBound(name, calm.parameters[name] ?? [], tried.parameters[name] ?? []);
      tried.load(calm.save());
      own.compare('another backend and back, and the state of the other');
      own.end();
    },
  },
  {
    name: 'killed in the middle of a save',
    weight: 200,
    needs: 'folder',
    async run(pair, dice, { folder }) {
      const files: Uint8Array[] = [];
      for (let i = 0; i < 3; i++) {
        pair.step(gradients(dice, pair.subject));
        files.push(pair.tried.save());
      }
      const found = await killedSave(join(folder, 'killed'), files, dice.below(30));
      if (found !== undefined && !files.some((file) => Buffer.compare(file, found) === 0))
        throw new Violation('killed in the middle of a save: the file is none of those that were saved');
      if (found !== undefined) pair.tried.load(found);
      pair.tried.load(files.at(-1) ?? new Uint8Array());
    },
  },
  {
    name: 'full disk',
    weight: 200,
    needs: 'full',
    async run({ tried }, _, { folder, full = folder }) {
      const ordinary = join(folder, 'ordinary');
      await saveFile(ordinary, tried);
      let failure: unknown;
      await saveFile(join(full, 'none'), { save: () => new Uint8Array(2 ** 17) }).catch((error: unknown) => {
        failure = error;
      });
      if (!(failure instanceof CheckpointError)) throw new Violation(`a full disk: CheckpointError expected, received ${String(failure)}`);
      await loadFile(ordinary, tried);
    },
  },
];

/** One step elsewhere, from a file to the next. */
async function oneStep(
  subject: Subject,
  optimizer: Optimizer,
  file: Uint8Array,
  noise: Readonly<Record<string, Float32Array>>,
): Promise<Uint8Array> {
  await optimizer.load(file);
  await stepOf(optimizer, subject, noise);
  const next = await optimizer.save();
  optimizer.dispose();
  return next;
}

/** A file that is no checkpoint any more. */
function damage(file: Uint8Array, dice: Dice): Uint8Array {
  const copy = file.slice();
  const at = dice.below(copy.length);
  switch (dice.below(4)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      return Uint8Array.from([...copy, ...Array.from({ length: 1 + dice.below(16) }, () => dice.below(256))]);
    case 2:
      // A block of something else.
      for (let i = at; i < Math.min(copy.length, at + 1 + dice.below(64)); i++) copy[i] = (copy[i] ?? 0) ^ (1 + dice.below(255));
      return copy;
    default:
      copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
      return copy;
  }
}

function checkBound(name: string, calm: ArrayLike<number>, tried: ArrayLike<number>): void {
  let [largest, error] = [1e-30, 0];
  for (let i = 0; i < calm.length; i++) {
    largest = Math.max(largest, Math.abs(calm[i] ?? 0));
    error = Math.max(error, Math.abs((calm[i] ?? 0) - (tried[i] ?? Number.NaN)));
  }
  if (!(error <= bound * largest)) throw new Violation(`another backend and back: '${name}' is ${error / largest} away, bound ${bound}`);
}

/** Noise of full rank between faults, so that backends stay comparable. */
export const ordinary = (pair: Pair, dice: Dice): void => pair.step(gradients(dice, pair.subject));
