import { spawnSync } from 'node:child_process';

/** A Python, and what it can import. */
export interface Python {
  readonly command: string;
  readonly version: string;
  readonly torch: string | null;
  readonly numpy: string | null;
}

const probe = `
import json, platform
def version(name):
    try:
        return __import__(name).__version__
    except Exception:
        return None
print(json.dumps([platform.python_version(), version('torch'), version('numpy')]))
`;

/** The first of $PYTHON, /usr/bin/python3 and python3 that has torch, else the first that has numpy. */
export function findPython(): Python | undefined {
  const { PYTHON } = process.env;
  const commands = [...(PYTHON ? [PYTHON] : []), '/usr/bin/python3', 'python3'];
  const found: Python[] = [];
  for (const command of commands) {
    const python = look(command);
    if (python?.torch) return python;
    if (python !== undefined) found.push(python);
  }
  return found.find(({ numpy }) => numpy !== null);
}

function look(command: string): Python | undefined {
  const { status, stdout } = spawnSync(command, ['-c', probe], { encoding: 'utf8', env: { ...process.env, ...threadLimit(1) } });
  if (status !== 0) return undefined;
  // What a library prints while it is loaded comes before.
  const answer: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  if (!Array.isArray(answer)) return undefined;
  const [version, torch, numpy] = answer.map((value: unknown) => (typeof value === 'string' ? value : null));
  return { command, version: version ?? '', torch: torch ?? null, numpy: numpy ?? null };
}

/** What tells every linear algebra library how many threads it has. */
export const threadLimit = (threads: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMEXPR_NUM_THREADS', 'BLIS_NUM_THREADS'].map((name) => [
      name,
      `${threads}`,
    ]),
  );
