import { warn } from '../../log.ts';
import { cost } from '../../program/cost.ts';
import type { Program } from '../../program/program.ts';

/** What one core does, in FLOPs a second, and what it takes to trace and compile an operation, in seconds. */
const rate = 2e10;
const perOperation = 1e-4;

/** A page that does not react for longer is taken for broken, in seconds. */
const bearable = 2;

/** About how long the first run of a program takes on one core, in seconds. */
export const secondsOf = (program: Program): number => cost(program).flops / rate + program.nodes.length * perOperation;

/** Says, before it is compiled, that the first run of a program will take long. */
export function sayIfSlow(program: Program): boolean {
  const seconds = secondsOf(program);
  if (seconds <= bearable) return false;
  warn(
    `step: the first run of program '${program.name}' takes about ${seconds.toPrecision(2)} s of one core: ${program.nodes.length} operations to ` +
      `compile and ${cost(program).flops.toPrecision(2)} FLOPs; optimizer.explain() says which stages and parameters they are of`,
  );
  return true;
}
