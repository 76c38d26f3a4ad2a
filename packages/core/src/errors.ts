/**
 * Errors a user can cause. Each carries a stable `code` and a marker, so that two copies of this package
 * still understand each other: use `OptError.isInstance(e)` (or `instanceof OptError`, which asks the marker too).
 */
const marker: symbol = Symbol.for('@opt/error');

export type ErrorCode =
  | 'option-range'
  | 'option-type'
  | 'shape'
  | 'gradient'
  | 'non-finite-gradient'
  | 'non-finite-answer'
  | 'non-finite-result'
  | 'transform'
  | 'kind'
  | 'checkpoint'
  | 'disposed'
  | 'objective'
  | 'step-interrupted'
  | 'backend'
  | 'exchange';

/** Base of every error thrown on purpose by an `@opt/*` package. */
export class OptError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
    mark(this);
  }

  static isInstance(value: unknown): value is OptError {
    return typeof value === 'object' && value !== null && marker in value;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Subclasses keep the ordinary test; only the base class asks the marker.
    if (this === OptError) return OptError.isInstance(value);
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

function mark(error: Error): void {
  Object.defineProperty(error, marker, { value: true });
}

/** An option whose value is outside its range (NaN included). Also a `RangeError`. */
export class OptionRangeError extends RangeError {
  readonly code: ErrorCode = 'option-range';
  override readonly name: string = 'OptionRangeError';

  constructor(message: string) {
    super(message);
    mark(this);
  }
}

/** An option of the wrong JavaScript type, an unknown option, or an unknown choice. Also a `TypeError`. */
export class OptionTypeError extends TypeError {
  readonly code: ErrorCode = 'option-type';
  override readonly name: string = 'OptionTypeError';

  constructor(message: string) {
    super(message);
    mark(this);
  }
}

/** Operands that do not fit, found while tracing; names the operation, the shapes, the stage and the parameter. */
export class ShapeError extends OptError {
  constructor(message: string) {
    super('shape', message);
  }
}

/** A gradient that is surplus, of the wrong length or type; or a model without parameters. */
export class GradientError extends OptError {
  constructor(message: string) {
    super('gradient', message);
  }
}

/** A NaN or an infinity in a gradient under `nonFinite: 'throw'`. Nothing has changed. */
export class NonFiniteGradientError extends OptError {
  readonly parameters: readonly string[];

  constructor(parameters: readonly string[]) {
    super(
      'non-finite-gradient',
      `step: gradient of ${parameters.map((name) => `'${name}'`).join(', ')} must be finite, received NaN or infinity`,
    );
    this.parameters = parameters;
  }
}

/** A NaN or an infinity in what an objective answered, under `nonFinite: 'throw'`. Nothing has changed. */
export class NonFiniteAnswerError extends OptError {
  /** What was asked for: `loss`, `losses`, a method and a parameter such as `hvp of 'w'`, or a stage's question such as `'sam.ahead' of 'w'`. */
  readonly answers: readonly string[];

  constructor(answers: readonly string[]) {
    super('non-finite-answer', `step: ${answers.join(', ')} must be finite, received NaN or infinity`);
    this.answers = answers;
  }
}

/** A step that would have made parameters or state NaN or infinite, under `nonFinite: 'throw'`. Nothing has changed. */
export class NonFiniteResultError extends OptError {
  /** Keys of what would not be finite: `parameter:w`, or a slot such as `adam.v:w`. */
  readonly keys: readonly string[];

  constructor(keys: readonly string[]) {
    super('non-finite-result', `step: ${keys.map((key) => `'${key}'`).join(', ')} must stay finite, would become NaN or infinite`);
    this.keys = keys;
  }
}

/** Transforms put together in a way that has no meaning (two stages of one name, an unknown route, nothing moves). */
export class TransformError extends OptError {
  constructor(message: string) {
    super('transform', message);
  }
}

/** A basis that cannot carry a kind of state that lives in it. */
export class KindError extends OptError {
  constructor(message: string) {
    super('kind', message);
  }
}

/** A file that is no checkpoint, or one of another transform or other parameters. Nothing was loaded. */
export class CheckpointError extends OptError {
  /** Keys of parameters and slots here that the file lacks, and of tensors in the file that nothing here uses, if that is why. */
  readonly missing: readonly string[];
  readonly surplus: readonly string[];

  constructor(
    message: string,
    {
      missing = [],
      surplus = [],
      ...options
    }: ErrorOptions & { readonly missing?: readonly string[]; readonly surplus?: readonly string[] } = {},
  ) {
    super('checkpoint', message, options);
    this.missing = missing;
    this.surplus = surplus;
  }
}

/** Use after `dispose()`. */
export class DisposedError extends OptError {
  constructor(what: string) {
    super('disposed', `${what}: this optimizer was disposed`);
  }
}

/** An objective that lacks, or gave in the wrong form, what a stage needs this step. Nothing has changed. */
export class ObjectiveError extends OptError {
  constructor(message: string) {
    super('objective', message);
  }
}

/** A program failed while it ran, so its state may be half-written: only `load` makes the optimizer usable again. */
export class StepInterrupted extends OptError {
  constructor(message: string, options?: ErrorOptions) {
    super('step-interrupted', message, options);
  }
}

/** A backend that cannot do what was asked. */
export class BackendError extends OptError {
  constructor(message: string, options?: ErrorOptions) {
    super('backend', message, options);
  }
}
