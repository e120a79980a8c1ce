import type { Connections } from '../connections/connections.ts';
import { decodeRecords } from '../read/record-batches.ts';
import { fetchRequest, NO_SESSION } from '../wire/fetch.ts';
import type { HeaderPair } from '../wire/fetched-record.ts';
import { throwUnlessOk } from '../wire/request.ts';
import type { OpenTransaction } from './open-transactions.ts';

const LANE = 'offsets';
/** A batch comes whole, however large. */
const MAX_BYTES = 64 * 1024;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** Headers of the first record of a transaction that is still open; null where the record is gone. */
export async function firstHeadersOf(connections: Connections, { topic, partition, since }: OpenTransaction): Promise<HeaderPair[] | null> {
  const { leaders } = connections;
  await leaders.look([topic]);
  const { leader, leaderEpoch } = leaders.expectLeader(topic, partition);
  const answer = await connections.send(
    { nodeId: leader, lane: LANE },
    fetchRequest({
      session: NO_SESSION,
      forgotten: [],
      maxWaitMs: 0,
      maxBytes: MAX_BYTES,
      isUncommitted: true,
      partitions: [{ topicId: leaders.expect(topic).id, partition, leaderEpoch, offset: since, maxBytes: MAX_BYTES }],
    }),
  );
  throwUnlessOk(answer.errorCode);
  const [fetched] = answer.partitions;
  throwUnlessOk(fetched!.errorCode);
  const { records } = await decodeRecords({ topic, partition, fromOffset: since, records: fetched!.records, aborted: [] }, MAX_BATCH_BYTES);
  return records[0]?.headers ?? null;
}
