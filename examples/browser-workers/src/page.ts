/// <reference lib="dom" preserve="true" />
import { wsconnect } from '@nats-io/nats-core';
import { natsMailbox } from '@opt/local-sgd/nats';
import { assignmentOf } from './assignment.ts';
import { train } from './train.ts';

const output = document.querySelector('output');
const body = document.querySelector('tbody');
const say = (text: string): void => {
  if (output !== null) output.value = text;
};

try {
  const assignment = assignmentOf(new URLSearchParams(location.search));
  const connection = await wsconnect({ servers: assignment.nats, maxReconnectAttempts: -1 });
  const mailbox = await natsMailbox(connection, { name: assignment.run });
  say(`${assignment.worker} trains`);
  await train(mailbox, assignment, ({ round, loss, members, digest }) => {
    const row = document.createElement('tr');
    row.append(
      ...[`${round}`, loss.toFixed(4), members.join(', '), digest].map((text) => {
        const cell = document.createElement('td');
        cell.textContent = text;
        return cell;
      }),
    );
    body?.prepend(row);
  });
  await connection.close();
  say('done');
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : String(error)}`);
}
