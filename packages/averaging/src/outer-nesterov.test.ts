import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { outerNesterov } from './index.ts';
import { expectClose, gradients, make, paths, start } from './testing/runs.ts';

/** SGD inside, entry by entry. */
function byHand(every: number, eta: (k: number) => number, mu: number, nesterov: boolean): number[][] {
  const [theta, anchor, b] = [[...start], [...start], start.map(() => 0)];
  let outer = 0;
  return gradients.map((gradient, index) => {
    const due = (index + 1) % every === 0;
    gradient.forEach((g, i) => {
      theta[i] = (theta[i] ?? 0) - 0.1 * g;
      if (!due) return;
      const delta = (anchor[i] ?? 0) - (theta[i] ?? 0);
      b[i] = mu * (b[i] ?? 0) + delta;
      anchor[i] = (anchor[i] ?? 0) - eta(outer) * (nesterov ? delta + mu * (b[i] ?? 0) : (b[i] ?? 0));
      theta[i] = anchor[i] ?? 0;
    });
    if (due) outer++;
    return [...theta];
  });
}

const base = sgd({ learningRate: 0.1 });

describe('outerNesterov', () => {
  it.each([
    [3, 0.7, 0.6, true],
    [2, 0.5, 0.9, false],
    [1, 0.8, 0.3, true],
  ])('every %d steps, rate %d, momentum %d, nesterov %s', (every, eta, mu, nesterov) => {
    const { trained } = paths(outerNesterov({ base, every, outerLearningRate: eta, outerMomentum: mu, nesterov }));
    expectClose(
      trained,
      byHand(every, () => eta, mu, nesterov),
    );
  });

  it('a schedule of the outer rate counts outer steps', () => {
    const eta = (k: number): number => 1 / (k + 1);
    expectClose(paths(outerNesterov({ base, every: 2, outerLearningRate: eta })).trained, byHand(2, eta, 0.6, true));
  });

  it('with rate 1 and no momentum is not there', () => {
    expectClose(paths(outerNesterov({ base, every: 3, outerLearningRate: 1, outerMomentum: 0 })).trained, paths(base).trained);
  });

  it('remembers its anchor in a checkpoint', () => {
    const wrapped = outerNesterov({ base, every: 5 });
    const [through, resumed] = [make(wrapped), make(wrapped)];
    gradients.forEach((w, t) => {
      if (t === 3) resumed.load(through.save());
      through.step({ w });
      if (t >= 3) resumed.step({ w });
    });
    expect([...resumed.parameters.w]).toEqual([...through.parameters.w]);
  });
});
