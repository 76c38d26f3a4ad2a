import { OptError } from '@opt/core';

/** Why a contribution was not counted. */
export type Reason =
  | 'torn'
  | 'foreign'
  | 'checksum'
  | 'another run'
  | 'another turn'
  | 'another layout'
  | 'another state'
  | 'size'
  | 'tokens'
  | 'malformed'
  | 'not finite'
  | 'duplicate'
  | 'late';

/** Bytes that are no contribution to what is being added up. Nothing was changed by them. */
export class ContributionError extends OptError {
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super('exchange', message);
    this.reason = reason;
  }
}

/** A mailbox in which something is missing or wrong that this worker cannot go on without. */
export class MailboxError extends OptError {
  constructor(message: string, options?: ErrorOptions) {
    super('exchange', message, options);
  }
}
