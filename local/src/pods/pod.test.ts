import { describe, expect, test } from 'vitest';
import { toPod, type Deployment } from './pod.ts';

const place = { step: 'payment', replica: 1, folder: '/data/pods/sagastep-payment-1', ingressPort: 8080 };
const configMaps = [{ metadata: { name: 'sagastep-payment' }, data: { 'step.json': '{}' } }];

function deployment(env: object[]): Deployment {
  return {
    metadata: { name: 'sagastep-payment' },
    spec: {
      template: {
        spec: {
          terminationGracePeriodSeconds: 45,
          volumes: [{ name: 'settings', configMap: { name: 'sagastep-payment' } }],
          containers: [{ name: 'worker', env: env as never, volumeMounts: [{ name: 'settings', mountPath: '/etc/sagafleet' }] }],
        },
      },
    },
  };
}

describe('a deployment on a laptop', () => {
  test('has its mounted files below a folder of its own, and variables that point there', () => {
    const pod = toPod(deployment([{ name: 'SAGAFLEET_SETTINGS', value: '/etc/sagafleet/step.json' }]), configMaps, place);
    expect(pod.files).toEqual({ '/data/pods/sagastep-payment-1/etc/sagafleet/step.json': '{}' });
    expect(pod.env['SAGAFLEET_SETTINGS']).toBe('/data/pods/sagastep-payment-1/etc/sagafleet/step.json');
  });

  test('listens on loopback, on the port it is given', () => {
    const { env } = toPod(deployment([{ name: 'SAGAFLEET_LISTEN_INGRESS', value: '0.0.0.0:8080' }]), configMaps, place);
    expect(env['SAGAFLEET_LISTEN_INGRESS']).toBe('127.0.0.1:8080');
  });

  test('knows its pod name, and keeps the grace period', () => {
    const pod = toPod(
      deployment([{ name: 'SAGAFLEET_CLIENT_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]),
      configMaps,
      place,
    );
    expect(pod.env['SAGAFLEET_CLIENT_ID']).toBe('sagastep-payment-1');
    expect(pod.graceMs).toBe(45_000);
  });

  test('refuses what only a cluster has, naming step and variable', () => {
    const secret = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
    expect(() => toPod(deployment([secret]), configMaps, place)).toThrow(/step payment takes the variable TOKEN from a Secret/);
  });
});
