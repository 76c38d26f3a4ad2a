import { connect } from '@nats-io/transport-node';
import { natsMailbox } from '@opt/local-sgd/nats';
import { type Assignment, type Round, train } from './train.ts';

/** A worker in this process. */
export async function trainInNode(nats: string, assignment: Assignment, onRound: (round: Round) => void): Promise<void> {
  const connection = await connect({ servers: nats, maxReconnectAttempts: -1 });
  try {
    await train(await natsMailbox(connection, { name: assignment.run }), assignment, onRound);
  } finally {
    await connection.close();
  }
}
