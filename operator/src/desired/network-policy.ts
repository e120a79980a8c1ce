import { HEALTH_CONTAINER_PORT, INGRESS_CONTAINER_PORT } from '@sagafleet/schemas';
import type { ResolvedStep } from '../resolve.ts';
import { metadata, selectorLabels, type KubeObject } from './object.ts';

const DNS_PORT = 53;

/**
 * By ports alone, since Kubernetes' policies know no host names and brokers stand in other namespaces
 * or outside: name look-ups, brokers, registry and the handler's service out; probes, metrics and
 * ingress in.
 */
export function networkPolicy(resolved: ResolvedStep): KubeObject {
  const {
    kafka,
    registry,
    step: { spec },
  } = resolved;
  const out = new Set([
    ...kafka.brokers.map(brokerPort),
    urlPort(registry.url),
    ...(spec.handler?.http ? [urlPort(spec.handler.http.url)] : []),
  ]);
  const into = [HEALTH_CONTAINER_PORT, ...(spec.ingress ? [INGRESS_CONTAINER_PORT] : [])];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(resolved),
    spec: {
      podSelector: { matchLabels: selectorLabels(resolved) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: into.map(tcp) }],
      egress: [{ ports: [{ port: DNS_PORT, protocol: 'UDP' }, tcp(DNS_PORT)] }, { ports: [...out].sort((a, b) => a - b).map(tcp) }],
    },
  };
}

function tcp(port: number) {
  return { port, protocol: 'TCP' };
}

function brokerPort(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** Host and path may hold `{CEL}`; a port of a handler's URL is written out. */
function urlPort(url: string): number {
  const [, scheme, port] = /^(https?):\/\/[^/]*?(?::(\d+))?(?:[/?#]|$)/.exec(url) ?? [];
  return port ? Number(port) : scheme === 'https' ? 443 : 80;
}
