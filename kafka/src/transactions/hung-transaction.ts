import type { OpenTransaction } from './open-transactions.ts';

/** A transaction that nobody can end any more but an administrator. */
export class HungTransaction extends Error {
  override readonly name = 'HungTransaction';
  readonly open: OpenTransaction | null;

  /** @param open null: it holds positions of the group */
  constructor(transactionalId: string, { group, open }: { group: string; open: OpenTransaction | null }) {
    super(
      open
        ? `${open.topic}/${open.partition} holds a transaction open since offset ${open.since}, of producer ${open.producerId}, which ${transactionalId} was ` +
            'before: readers stop there until an administrator ends it with kafka-transactions.sh --bootstrap-server … ' +
            `abort --topic ${open.topic} --partition ${open.partition} --start-offset ${open.since}`
        : `positions of group ${group} are held by an open transaction that is not of ${transactionalId}: find it with kafka-transactions.sh ` +
            '--bootstrap-server … find-hanging --topic __consumer_offsets, and end it with ' +
            'kafka-transactions.sh --bootstrap-server … abort --topic __consumer_offsets --partition … --start-offset …',
    );
    this.open = open;
  }
}
