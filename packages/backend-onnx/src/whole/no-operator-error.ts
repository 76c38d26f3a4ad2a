import { BackendError, type Node } from '@opt/core';

/** A program holds an operation that ONNX has no operator for. */
export class NoOperatorError extends BackendError {
  /** The operation, as programs name it. */
  readonly operation: string;

  constructor(program: string, { operation, origin }: Node) {
    const { stage, owner } = origin;
    const by = stage === '' ? '' : `, written by stage '${stage}'${owner === '' ? '' : ` for parameter '${owner}'`}`;
    super(`onnx: ONNX has no operator for '${operation.op}' (program '${program}'${by})`);
    this.operation = operation.op;
  }
}
