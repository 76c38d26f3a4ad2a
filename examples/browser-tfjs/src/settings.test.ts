import { describe, expect, it } from 'vitest';
import { rateOf, SettingError, stepsOf } from './settings.ts';

describe('settings of the page', () => {
  it('are read', () => {
    expect(stepsOf('')).toBe(300);
    expect(stepsOf('?steps=25')).toBe(25);
    expect(rateOf('0.3')).toBe(0.3);
    expect(rateOf(' 1e-3 ')).toBe(1e-3);
  });

  it.each(['?steps=abc', '?steps=', '?steps=0', '?steps=-5', '?steps=1.5', '?steps=1e9'])('%s is refused', (search) => {
    expect(() => stepsOf(search)).toThrow(SettingError);
    expect(() => stepsOf(search)).toThrow('?steps= must be a whole number from 1 to 100000');
  });

  it.each(['', ' ', '0', '-1', 'fast', 'Infinity'])("a rate of '%s' is refused", (typed) => {
    expect(() => rateOf(typed)).toThrow(SettingError);
  });
});
