const marker: symbol = Symbol.for('@opt/linalg.error');

/** What went wrong: a size that is not a natural number, an array of the wrong length or type, a bad option, no more memory. */
export type LinalgErrorCode = 'bad-size' | 'bad-length' | 'bad-type' | 'bad-option' | 'out-of-memory';

/** A call that cannot be carried out; `argument` names the culprit. Numerical trouble is never an error: the result is NaN. */
export class LinalgError extends Error {
  readonly code: LinalgErrorCode;
  readonly argument: string;

  constructor(code: LinalgErrorCode, argument: string, message: string) {
    super(message);
    this.name = 'LinalgError';
    this.code = code;
    this.argument = argument;
    Object.defineProperty(this, marker, { value: true });
  }

  /** Recognises errors of every copy of this package, which `instanceof` does not. */
  static isInstance(value: unknown): value is LinalgError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}
