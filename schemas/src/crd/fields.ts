/**
 * Building blocks of the CRD's source. Every text, list and map is bounded: the API server
 * estimates the cost of CEL rules from the bounds and refuses a CRD that could be too dear.
 */
import { Type } from 'typebox';
import { DURATION_PATTERN } from '../duration.ts';
import { MAX_TOPIC_NAME } from '../names.ts';

/** A CEL rule of the CRD. `message` says what to do; `fieldPath` points below the object that carries the rule. */
export interface CelRule {
  rule: string;
  message: string;
  fieldPath?: string;
}

export function withRules(...rules: CelRule[]): { 'x-kubernetes-validations': CelRule[] } {
  return { 'x-kubernetes-validations': rules };
}

export function text(description: string, options: { maxLength: number; default?: string }) {
  return Type.String({ description, minLength: 1, ...options });
}

const EXPRESSION_MAX_LENGTH = 4096;

export function expression(description: string) {
  return text(description, { maxLength: EXPRESSION_MAX_LENGTH });
}

/** `min` is exclusive, unless it is `0ms` and `zero` allows it. */
export function duration(description: string, bounds: { max: string; zero?: boolean; default?: string }) {
  const lowest = bounds.zero ? '>=' : '>';
  return Type.String({
    description,
    maxLength: 24,
    ...(bounds.default === undefined ? {} : { default: bounds.default }),
    ...withRules({
      rule: `self.matches('${DURATION_PATTERN}') && duration(self) ${lowest} duration('0s') && duration(self) <= duration('${bounds.max}')`,
      message: `write a duration ${bounds.zero ? '' : 'above 0 and '}up to ${bounds.max}, such as 500ms, 5s or 1m30s`,
    }),
  });
}

const isTopicName = (characters: string): string => `self.matches('^[${characters}]+$') && self != '.' && self != '..'`;

export function topicName(description: string) {
  return Type.String({
    description,
    maxLength: MAX_TOPIC_NAME,
    ...withRules({
      rule: isTopicName('a-zA-Z0-9._-'),
      message: 'a topic name consists of letters, digits, dot, underscore and hyphen, and is not . or ..',
    }),
  });
}

export function topicNameOrGlob(description: string) {
  return Type.String({
    description,
    maxLength: MAX_TOPIC_NAME,
    ...withRules({
      rule: isTopicName('a-zA-Z0-9._*-'),
      message: 'a topic name consists of letters, digits, dot, underscore and hyphen, with * for any text in a glob, and is not . or ..',
    }),
  });
}

export function textMap(description: string, bounds: { entries: number; maxLength: number }) {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    description,
    maxProperties: bounds.entries,
    additionalProperties: { type: 'string', maxLength: bounds.maxLength },
  });
}

/** A part of a pod, as Kubernetes defines it: passed through, checked when the pod is made. */
export function podObject(description: string) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', description, 'x-kubernetes-preserve-unknown-fields': true });
}

export function podObjects(description: string) {
  return Type.Unsafe<Record<string, unknown>[]>({
    type: 'array',
    description,
    maxItems: 64,
    items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  });
}

export function oneOf<const T extends string>(values: readonly T[], options: { description: string; default?: T }) {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });
}

export function configMapKeyRef(description: string) {
  return Type.Object(
    {
      name: text('Name of the ConfigMap, in the namespace of the step.', { maxLength: 253 }),
      key: text('Key in the ConfigMap.', { maxLength: 253 }),
    },
    { description },
  );
}
