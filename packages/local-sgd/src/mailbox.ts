/** Bytes somebody posted; nothing is known of them yet. */
export interface Posting {
  /** Told apart from every other posting of the mailbox. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

export interface Committed {
  readonly turn: number;
  readonly bytes: Uint8Array;
}

/**
 * Where workers meet. A turn is one round of one fragment: turn t is round ⌊t/F⌋ where all went well. What is agreed on is the list of who
 * counted: everybody then adds the same bytes in the same order. One mailbox is for one run. Anything with a compare-and-set can be one:
 * a folder, Redis, NATS, a bucket.
 */
export interface Mailbox {
  /** Leaves bytes for a turn; they are seen whole or not at all. */
  post(turn: number, bytes: Uint8Array): Promise<void>;
  /**
   * What lies there for a turn and is not among `seen`; if there is nothing, waits up to `wait` milliseconds for something. Of a posting of
   * more than `most` bytes no more than `most` + 1 need to come.
   */
  collect(
    turn: number,
    options: { readonly seen: ReadonlySet<string>; readonly wait: number; readonly most: number },
  ): Promise<readonly Posting[]>;
  /** Makes `bytes` the record of a turn unless it has one already; gives the one it has now. */
  commit(turn: number, bytes: Uint8Array): Promise<Uint8Array>;
  /** The record of a turn; without a turn, the latest; undefined where there is none. */
  committed(turn?: number): Promise<Committed | undefined>;
  /** Ends what the mailbox holds open. */
  close(): Promise<void>;
}
