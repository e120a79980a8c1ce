/**
 * kafkajs asks every broker for a coordinator, drops what each answers, and says that there is none. Of a refusal
 * its callers cannot tell, then, from a cluster that is starting, and wait for ever.
 */
import type { AskingCluster, CoordinatorRequest } from '../kafkajs/private-shape.ts';
import { isNotAuthorized } from './missing-acl.ts';

interface AskedBroker {
  findGroupCoordinator(request: CoordinatorRequest): Promise<unknown>;
}

const GROUP = 0;

/** `findGroupCoordinator` fails with the broker's refusal from now on, where there is one. */
export function showRefusals(cluster: AskingCluster): void {
  const find = cluster.findGroupCoordinator.bind(cluster);
  cluster.findGroupCoordinator = async (request) => {
    try {
      return await find(request);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const refusal = await refusalOf(cluster, request);
      // Who waits for a coordinator still sees that none was found
      throw refusal ? Object.assign(refusal, { cause: error }) : error;
    }
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound';
}

/** What a broker says when it is asked once more, if that is a refusal. */
async function refusalOf(cluster: AskingCluster, { groupId, coordinatorType = GROUP }: CoordinatorRequest): Promise<Error | null> {
  try {
    const broker = (await cluster.brokerPool.findConnectedBroker()) as AskedBroker;
    await broker.findGroupCoordinator({ groupId, coordinatorType });
    return null;
  } catch (error) {
    return isNotAuthorized(error) ? (error as Error) : null;
  }
}
