import type { RetryOptions } from 'kafkajs';

/**
 * Quick and few: CONCURRENT_TRANSACTIONS right after a commit is over in milliseconds, and what
 * is not over in two seconds is better answered by fencing again, which finds out what happened.
 */
export const retryForProducer: RetryOptions = {
  initialRetryTime: 10, multiplier: 1.5, factor: 0.2, maxRetryTime: 500, retries: 10,
};
