import { kafkajsRequests, type KafkajsRequest } from './request.ts';

export interface CommittedOffsets { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }

const { Heartbeat, OffsetCommit } = kafkajsRequests as {
  Heartbeat: KafkajsRequest<{ groupId: string; groupGenerationId: number; memberId: string }, unknown>;
  OffsetCommit: KafkajsRequest<{
    groupId: string; groupGenerationId: number; memberId: string; retentionTime: number; topics: readonly CommittedOffsets[];
  }, unknown>;
};

export const heartbeatRequest = Heartbeat.protocol({ version: 3 });
/** Up to version 4 a request says how long its offsets are kept, in milliseconds (KIP-211): brokers still obey it. */
export const offsetCommitRequest = OffsetCommit.protocol({ version: 4 });
