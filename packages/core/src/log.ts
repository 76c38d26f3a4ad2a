// Every runtime has it; core is compiled without the types of any of them.
declare const console: { warn(message: string): void };

/** A line in the log: something a user should know and can live with. */
export function warn(message: string): void {
  if (!silent) console.warn(`@opt: ${message}`);
}

let silent = false;

/** What is tried out inside `f` is about nothing that exists, so nothing is said about it. */
export function silently<T>(f: () => T): T {
  const before = silent;
  silent = true;
  try {
    return f();
  } finally {
    silent = before;
  }
}
