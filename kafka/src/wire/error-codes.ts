/** Error codes that more than one part of this package looks for (Kafka protocol guide, "Error Codes"). */
export const OFFSET_OUT_OF_RANGE = 1;
export const LEADER_NOT_AVAILABLE = 5;
export const INVALID_PRODUCER_EPOCH = 47;
export const CONCURRENT_TRANSACTIONS = 51;
export const UNSTABLE_OFFSET_COMMIT = 88;

/** By name, as kafkajs spells it: the coordinator is another broker. */
export const NOT_COORDINATOR = 'NOT_COORDINATOR_FOR_GROUP';
/** The coordinator is another broker, is being elected, or loads its log. */
export const COORDINATOR_MOVES: readonly string[] = [NOT_COORDINATOR, 'GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE'];
