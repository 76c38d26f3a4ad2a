/** What the contract of backends uses of Vitest, for a page of a browser: tests are gathered, and run one by one when asked for. */

type Body = (...args: never[]) => unknown;

const names: string[] = [];
const tests: { readonly name: string; readonly run: () => unknown }[] = [];
const first: (() => unknown)[] = [];
const last: (() => unknown)[] = [];

/** The label of a row: `%s`, `%i`, `%d` and `%j` are its values in turn. */
function labelled(label: string, row: readonly unknown[]): string {
  let next = 0;
  return label.replace(/%[sidj]/g, (kind) => {
    const value = row[next++];
    return kind === '%j' || typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
}

const rowOf = (row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [row]);

interface Each {
  each(rows: readonly unknown[]): (label: string, body: Body) => void;
}

/** A function that registers, also for every row of a table. */
const withEach = (register: (name: string, body: () => unknown) => void): ((name: string, body: () => unknown) => void) & Each =>
  Object.assign(register, {
    each: (rows: readonly unknown[]) => (label: string, body: Body) => {
      for (const row of rows) register(labelled(label, rowOf(row)), () => Reflect.apply(body, undefined, rowOf(row)));
    },
  });

export const describe: ReturnType<typeof withEach> = withEach((name, body) => {
  names.push(name);
  body();
  names.pop();
});

export const it: ReturnType<typeof withEach> = withEach((name, run) => {
  tests.push({ name: [...names, name].join(' > '), run });
});

export const beforeAll = (run: () => unknown): void => {
  first.push(run);
};
export const afterAll = (run: () => unknown): void => {
  last.push(run);
};

/** Bit for bit where there are numbers; what is undefined is as good as absent. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same(Reflect.get(a, key), Reflect.get(b, key)));
}

const shown = (value: unknown): string => {
  const text = value instanceof Error ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

/** What a failure is to be: its message has a part, or it is of a kind. */
type Failing = string | RegExp | (new (...args: never[]) => unknown);

const says = (text: string, pattern: string | RegExp): boolean =>
  typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text);
const isFailing = (failure: unknown, what: Failing): boolean =>
  typeof what === 'function' ? failure instanceof what : failure instanceof Error && says(failure.message, what);
const sayFailing = (what: Failing): string => (typeof what === 'function' ? what.name : `'${what}'`);

class Expectation {
  readonly #actual: unknown;
  readonly #message: string;
  readonly #wanted: boolean;

  constructor(actual: unknown, message: string, wanted: boolean) {
    this.#actual = actual;
    this.#message = message;
    this.#wanted = wanted;
  }

  get not(): Expectation {
    return new Expectation(this.#actual, this.#message, !this.#wanted);
  }

  get rejects(): { toThrow(what: Failing): Promise<void> } {
    return {
      toThrow: async (what) => {
        const failure = await Promise.resolve(this.#actual).then(
          () => undefined,
          (error: unknown) => error,
        );
        this.#check(isFailing(failure, what), `to throw ${sayFailing(what)}`, failure);
      },
    };
  }

  toBe(expected: unknown): void {
    this.#check(Object.is(this.#actual, expected), `to be ${shown(expected)}`);
  }

  toEqual(expected: unknown): void {
    this.#check(same(this.#actual, expected), `to equal ${shown(expected)}`);
  }

  toBeUndefined(): void {
    this.#check(this.#actual === undefined, 'to be undefined');
  }

  toBeCloseTo(expected: number, digits = 2): void {
    this.#check(Math.abs(Number(this.#actual) - expected) < 0.5 * 10 ** -digits, `to be ${expected} to ${digits} digits`);
  }

  toContain(part: unknown): void {
    const holds =
      typeof this.#actual === 'string' ? this.#actual.includes(String(part)) : Array.isArray(this.#actual) && this.#actual.includes(part);
    this.#check(holds, `to contain ${shown(part)}`);
  }

  toMatch(pattern: string | RegExp): void {
    this.#check(typeof this.#actual === 'string' && says(this.#actual, pattern), `to match ${pattern}`);
  }

  toMatchObject(expected: object): void {
    const actual: unknown = this.#actual;
    const holds =
      typeof actual === 'object' &&
      actual !== null &&
      Object.entries(expected).every(([key, part]) => same(Reflect.get(actual, key), part));
    this.#check(holds, `to match ${shown(expected)}`);
  }

  toThrow(what: Failing): void {
    let failure: unknown;
    try {
      if (typeof this.#actual === 'function') Reflect.apply(this.#actual, undefined, []);
    } catch (error) {
      failure = error;
    }
    this.#check(isFailing(failure, what), `to throw ${sayFailing(what)}`, failure);
  }

  toBeInstanceOf(expected: new (...args: never[]) => unknown): void {
    this.#check(this.#actual instanceof expected, `to be a ${expected.name}`);
  }

  toBeGreaterThan(bound: number): void {
    this.#check(Number(this.#actual) > bound, `to be greater than ${bound}`);
  }

  toBeLessThan(bound: number): void {
    this.#check(Number(this.#actual) < bound, `to be less than ${bound}`);
  }

  toBeLessThanOrEqual(bound: number): void {
    this.#check(Number(this.#actual) <= bound, `to be at most ${bound}`);
  }

  #check(holds: boolean, what: string, actual: unknown = this.#actual): void {
    if (holds !== this.#wanted) throw new Error(`${this.#message}: expected ${shown(actual)} ${this.#wanted ? '' : 'not '}${what}`);
  }
}

export const expect: ((actual: unknown, message?: string) => Expectation) & { fail(message: string): never } = Object.assign(
  (actual: unknown, message = ''): Expectation => new Expectation(actual, message, true),
  {
    fail: (message: string): never => {
      throw new Error(message);
    },
  },
);

/** Names of all tests, once what comes before them is done. */
export async function start(): Promise<readonly string[]> {
  for (const run of first) await run();
  return tests.map(({ name }) => name);
}

/** Runs one test: what is wrong, if anything. */
export async function runTest(i: number): Promise<string | undefined> {
  try {
    await tests[i]?.run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.message}` : String(error);
  }
}

export async function end(): Promise<void> {
  for (const run of last) await run();
}
