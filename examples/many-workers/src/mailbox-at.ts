import type { Mailbox } from '@opt/local-sgd';
import { directoryMailbox } from '@opt/local-sgd/directory';
import { UsageError } from './options.ts';

/** Opens the mailbox of an address; of a server, the one of this run. @throws UsageError · MailboxError where nobody answers */
export const mailboxAt = async (address: string, _run: string): Promise<Mailbox> => {
  if (address.startsWith('dir:')) return directoryMailbox(address.slice('dir:'.length));
  throw new UsageError(`--mailbox: expected dir:/a/folder, got ${JSON.stringify(address)}`);
};
