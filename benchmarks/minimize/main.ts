import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from '../src/bench/machine.ts';
import { type Contender, contenders } from './contenders.ts';
import { isSolved, type LeastSquares, lossOf } from './problem.ts';
import { problems } from './problems.ts';

const usage = `pnpm --filter ./benchmarks run minimize [--repeat N] [--out FILE]

The 18 problems of Moré, Garbow and Hillstrom, by minimize of @opt/quasi-newton, fmin and ml-levenberg-marquardt, in turn, in this process.
  --repeat  how often each problem is solved, default 5; the time is the median
  --out     also write what was found as JSON`;

interface Row {
  readonly problem: string;
  readonly contender: string;
  readonly solved: boolean;
  readonly f: number | null;
  readonly evaluations: number;
  readonly gradients: number;
  readonly milliseconds: number;
}

function solved(problem: LeastSquares, { name, solve }: Contender, repeat: number): Row {
  const times: number[] = [];
  let [f, evaluations, gradients] = [Number.NaN, 0, 0];
  for (let run = 0; run < repeat; run++) {
    const before = performance.now();
    try {
      const found = solve(problem);
      times.push(performance.now() - before);
      f = lossOf(problem, found.x);
      ({ evaluations, gradients } = found);
    } catch (error) {
      times.push(performance.now() - before);
      console.error(`${name} on ${problem.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const milliseconds = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  return {
    problem: problem.name,
    contender: name,
    solved: isSolved(problem, f),
    f: Number.isFinite(f) ? f : null,
    evaluations,
    gradients,
    milliseconds: Math.round(100 * milliseconds) / 100,
  };
}

const { values } = parseArgs({ options: { repeat: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean' } } });
if (values.help === true) {
  console.log(usage);
  process.exit(0);
}
const repeat = Number(values.repeat ?? 5);
if (!Number.isInteger(repeat) || repeat < 1) {
  console.error(`minimize: --repeat: an integer >= 1 expected, received '${values.repeat}'\n\n${usage}`);
  process.exit(2);
}

const machine = await describeMachine('reference', undefined, []);
const rows = problems.flatMap((problem) => contenders.map((contender) => solved(problem, contender, repeat)));
const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

console.log(line(['', ...contenders.map(({ name }) => name)]));
console.log(line(['---', ...contenders.map(() => '---')]));
for (const { name } of problems) {
  const cells = contenders.map((contender) => {
    const found = rows.find((row) => row.problem === name && row.contender === contender.name);
    return found === undefined ? '' : `${found.solved ? '' : '✗ '}${found.evaluations} + ${found.gradients}, ${found.milliseconds} ms`;
  });
  console.log(line([name, ...cells]));
}
const of = (name: string): Row[] => rows.filter(({ contender }) => contender === name);
const total = (read: (row: Row) => number) => contenders.map(({ name }) => Math.round(of(name).reduce((sum, row) => sum + read(row), 0)));
console.log(line(['**solved**', ...contenders.map(({ name }) => `${of(name).filter((row) => row.solved).length} of ${problems.length}`)]));
console.log(line(['evaluations of f', ...total(({ evaluations }) => evaluations)]));
console.log(line(['of its gradient', ...total(({ gradients }) => gradients)]));
console.log(line(['milliseconds', ...total(({ milliseconds }) => milliseconds)]));
for (const { name, told } of contenders) console.log(`${name}: ${told}`);
if (values.out !== undefined)
  writeFileSync(
    values.out,
    `${JSON.stringify({ machine, repeat, told: contenders.map(({ name, told }) => ({ name, told })), rows }, null, 2)}\n`,
  );
