import { kafkajsRequests, type KafkajsRequest } from '../kafkajs/private-shape.ts';

export interface GroupMembership {
  memberId: string;
  generation: number;
}

/** A commit from outside a group: taken while the group has no members, and in a transaction always. */
export const NO_MEMBER: GroupMembership = { memberId: '', generation: -1 };

export interface CommittedOffsets {
  topic: string;
  partitions: { partition: number; offset: string; metadata: string }[];
}

const { Heartbeat, OffsetCommit } = kafkajsRequests as {
  Heartbeat: KafkajsRequest<{ groupId: string; groupGenerationId: number; memberId: string }, unknown>;
  OffsetCommit: KafkajsRequest<
    {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
      retentionTime: number;
      topics: readonly CommittedOffsets[];
    },
    unknown
  >;
};

export const heartbeatRequest = Heartbeat.protocol({ version: 3 });
/** Up to version 4 a request says how long its offsets are kept, in milliseconds (KIP-211): brokers still obey it. */
export const offsetCommitRequest = OffsetCommit.protocol({ version: 4 });
