import { describe, expect, test } from 'vitest';
import { parseOptions, UsageError, usage } from './options.ts';

const backends = ['reference', 'reference-f32', 'wasm'];

describe('the command line', () => {
  test('defaults to everything', () => {
    expect(parseOptions([], backends)).toEqual({
      sections: ['steps', 'linalg', 'lowrank', 'overhead', 'size'],
      backend: 'wasm',
      rounds: 15,
      filter: undefined,
    });
    expect(parseOptions([], ['reference', 'reference-f32'])).toMatchObject({ backend: 'reference-f32' });
  });

  test('takes sections in any order, and options', () => {
    expect(parseOptions(['--', 'size', 'linalg', '--rounds', '3', '--filter', 'QR', '--backend=reference'], backends)).toEqual({
      sections: ['linalg', 'size'],
      backend: 'reference',
      rounds: 3,
      filter: 'QR',
    });
    expect(parseOptions(['steps', '--help'], backends)).toBe('help');
    expect(usage(backends)).toContain('wasm');
  });

  test('knows what is measured where', () => {
    const all = [...backends, 'webgpu'];
    expect(parseOptions(['--backend', 'webgpu'], all)).toMatchObject({ sections: ['gpu'] });
    expect(() => parseOptions(['steps', '--backend', 'webgpu'], all)).toThrow('expected sections out of gpu, got "steps"');
    expect(parseOptions(['--backend', 'onnx'], [...all, 'onnx'])).toMatchObject({ sections: ['onnx'] });
    expect(parseOptions(['--backend', 'wasm-threads'], [...all, 'wasm-threads'])).toMatchObject({ sections: ['threads'] });
    expect(() => parseOptions(['gpu'], all)).toThrow(UsageError);
  });

  test.each([
    [['speed'], 'expected sections out of steps, linalg, lowrank, overhead, size, got "speed"'],
    [['two\nlines'], 'got "two\\nlines"'],
    [['--backend', 'gpu'], '--backend: expected one of reference, reference-f32, wasm, got "gpu"'],
    [['--rounds', '0'], '--rounds: expected a whole number from 1 to 1000, got "0"'],
    [['--rounds', '1.5'], '--rounds: expected a whole number from 1 to 1000, got "1.5"'],
    [['--filter='], '--filter: expected a part of a title, got nothing'],
    [['--fast'], '--fast'],
    [['--rounds'], '--rounds'],
  ])('%j is refused in one line', (args, message) => {
    const parse = (): unknown => parseOptions(args, backends);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow('\n');
  });
});
