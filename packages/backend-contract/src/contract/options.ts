import { OptError, OptionRangeError, OptionTypeError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import type { TransformRecord } from '../records/record.ts';
import type { BadValue } from '../records/refuses.ts';

/** What a call throws. */
export const failure = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

/** As messages show it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** What the options of transforms refuse, and how. */
export function testOptions(transforms: readonly TransformRecord[]): void {
  const cases = transforms.flatMap((record) =>
    Object.entries(record.options).map(([option, bad]): [string, string, TransformRecord, readonly BadValue[]] => [
      record.name,
      option,
      record,
      bad,
    ]),
  );

  describe('bad input', () => {
    it.each(cases)('%s: %s', (_, option, record, bad) => {
      expect(bad.length).toBeGreaterThan(0);
      for (const { value, error, rule } of bad) {
        const thrown = failure(() => record.make({ [option]: value }));
        const [kind, builtIn] = error === 'range' ? [OptionRangeError, RangeError] : [OptionTypeError, TypeError];
        expect(thrown, `${option}: ${show(value)}`).toBeInstanceOf(kind);
        expect(thrown).toBeInstanceOf(builtIn);
        expect(OptError.isInstance(thrown)).toBe(true);
        expect(thrown instanceof Error && thrown.message).toBe(`${record.called}: ${option} must be ${rule}, received ${show(value)}`);
      }
    });

    const optional = transforms.filter(({ options }) => Object.keys(options).length > 0);

    it.each(optional.map((record) => [record.name, record] as const))('%s refuses unknown options, by name', (_, record) => {
      const thrown = failure(() => record.make({ learningrate: 0.1 }));
      expect(thrown).toBeInstanceOf(OptionTypeError);
      expect(thrown instanceof Error && thrown.message).toContain(`${record.called}: unknown option 'learningrate', known are `);
      for (const option of Object.keys(record.options).filter((name) => name !== 'base'))
        expect(thrown instanceof Error && thrown.message).toContain(option);
    });

    it.each(optional.map((record) => [record.name, record] as const))('%s takes undefined for every option', (_, record) => {
      const undefinedOptions = Object.fromEntries(
        Object.keys(record.options)
          .filter((name) => name !== 'base')
          .map((name) => [name, undefined]),
      );
      expect(() => record.make(undefinedOptions)).not.toThrow();
    });
  });
}
