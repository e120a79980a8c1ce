/** Topics and group of the step under test, and of Kafka itself. */
export const TOPICS = { input: 'chaos-in', kept: 'chaos-kept', spread: 'chaos-spread', deadLetters: 'default.chaos.dlq' } as const;
export const GROUP = 'default.chaos';
/** Where brokers keep what groups commit, also in transactions: the whole history, as long as nothing is compacted. */
export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTIONS_TOPIC = '__transaction_state';

export const PARTITIONS = { [TOPICS.input]: 6, [TOPICS.kept]: 6, [TOPICS.spread]: 4, [TOPICS.deadLetters]: 3 };
export const INPUT_PARTITIONS = PARTITIONS[TOPICS.input];
