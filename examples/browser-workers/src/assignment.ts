import type { Assignment } from './train.ts';

export class AssignmentError extends Error {
  override readonly name = 'AssignmentError';
}

/** Reads what a tab's address or a process's arguments say. @throws AssignmentError that says what is missing or wrong */
export function assignmentOf(given: URLSearchParams): Assignment & { readonly nats: string } {
  const text = (name: string, pattern: RegExp, rule: string): string => {
    const value = given.get(name) ?? '';
    if (!pattern.test(value)) throw new AssignmentError(`${name} must be ${rule}, got "${value}"`);
    return value;
  };
  const whole = (name: string): number => Number(text(name, /^\d{1,6}$/, 'a whole number'));
  const named = /^[A-Za-z0-9_-]{1,64}$/;
  return {
    nats: text('nats', /^(ws|nats):\/\/./, 'an address such as ws://localhost:8080'),
    run: text('run', named, 'up to 64 letters, digits, _ and -'),
    secret: given.get('secret') ?? text('run', named, 'up to 64 letters, digits, _ and -'),
    worker: text('worker', named, 'up to 64 letters, digits, _ and -'),
    ...{ index: whole('index'), workers: whole('workers'), rounds: whole('rounds') },
  };
}
