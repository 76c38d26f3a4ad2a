import { expect, it } from 'vitest';
import { mailboxAt } from './mailbox-at.ts';

it.each([
  ['redis://127.0.0.1:1', 'a Redis server', 'connect ECONNREFUSED'],
  ['nats://127.0.0.1:1', 'a NATS server', ''],
])('says in one line that nobody answers at %s', async (address, what, why) => {
  const refused = new RegExp(`^--mailbox: expected ${what} that answers at 127\\.0\\.0\\.1:1, got "${why}[^\\n]*$`);
  await expect(mailboxAt(address, 'run')).rejects.toThrow(refused);
});
