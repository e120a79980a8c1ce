/** Where reading of one partition stands. */
export interface ReadState {
  readonly topic: string;
  readonly partition: number;
  position: bigint;
  isPaused: boolean;
  /** The position is from another topic of this name, or fits nothing: a new one has to be set. */
  isResting: boolean;
  /** Grows with each new position or leader: what was fetched before is dropped. */
  version: number;
  topicId: string | null;
  leader: number | null;
  leaderEpoch: number;
  /** Fetched with a wrong checksum already. */
  wasCorrupt: boolean;
}
