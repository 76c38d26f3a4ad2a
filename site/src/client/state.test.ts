import { describe, expect, it } from 'vitest';
import { initialState, parseState, printState, readOption } from './state.ts';

describe('the address of the playground', () => {
  it('holds everything that is chosen', () => {
    const state = {
      task: 'mlp',
      seed: 3,
      batch: 32,
      steps: 100,
      axis: 'time',
      lanes: [
        { optimizer: 'soap', options: { beta1: 0.9, weightDecay: 0.1 } },
        { optimizer: 'sgd', options: { nesterov: true } },
      ],
    } as const;
    expect(printState(state)).toBe(
      'task=mlp&seed=3&batch=32&steps=100&axis=time&lane=soap(beta1=0.9,weightDecay=0.1)&lane=sgd(nesterov=true)',
    );
    expect(parseState(`#${printState(state)}`)).toEqual(state);
    expect(parseState(`#${encodeURIComponent(printState(state))}`)).toEqual(state);
  });

  it('is as at the start where it says nothing, or nothing that can be', () => {
    expect(parseState('')).toEqual(initialState);
    expect(parseState('#task=none&seed=-1&batch=0&steps=x&axis=up&lane=nobody&lane=soap(beta1=x,other=3)')).toEqual({
      ...initialState,
      lanes: [{ optimizer: 'soap', options: {} }],
    });
  });

  it('has values of the type that an option has', () => {
    expect(['0.5', 'x', '', 'true'].map((text) => readOption(0.9, text))).toEqual([0.5, undefined, undefined, undefined]);
    expect(['true', 'false', '1'].map((text) => readOption(true, text))).toEqual([true, false, undefined]);
    expect(readOption(undefined, '1')).toBeUndefined();
  });
});
