import type { Distribution } from '../../program/program.ts';
import type { Shape } from '../../program/shape.ts';
import { emit } from '../../trace/emit.ts';
import { Tensor, tensorOf } from '../../trace/tensor.ts';
import { hash } from '../memory/randomness.ts';
import type { StepTrace } from './step-trace.ts';

/** What is drawn, and for whom. */
interface Drawing {
  readonly name: string;
  readonly owner: string;
  readonly distribution: Distribution;
  readonly shape: Shape;
}

/** Random numbers of the optimizer's seed, finished; or as they come from outside, where they do. */
export function drawn(
  trace: StepTrace,
  key: string,
  { name, owner, distribution, shape }: Drawing,
  finish: (drawn: Tensor) => Tensor,
): Tensor {
  const { random, tracing } = trace;
  if (random.draws === undefined) {
    const call = new Tensor([], 'working', { in: 'host', line: tracing.host.call() });
    return finish(tensorOf(emit({ op: 'random', distribution, seed: random.seed, stream: hash(key) }, [call], shape, 'working')));
  }
  // One place may draw different shapes in different phases.
  const fed = { key: `draw[${shape}]:${key}`, name, owner, shape };
  trace.fed.set(fed.key, fed);
  return trace.input(fed.key, shape, 'working');
}
