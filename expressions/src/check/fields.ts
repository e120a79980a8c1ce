/** Fields: those that a record has, and `has()`. */
import { ExpressionError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import type { Node, SelectNode } from '../syntax/tree.ts';
import { QUALIFIED_TYPE_VALUES } from '../values/kind.ts';
import { failAt, type Scope, textOf } from './scope.ts';
import { BOOL, DYN, nameOf, sure, type SureType, type Type, unsure } from './type.ts';

/** Is the node the name of a type such as google.protobuf.Timestamp? */
export function isQualifiedType(node: Node): boolean {
  return qualifiedTypeOf(node) !== null;
}

export function qualifiedTypeOf(node: Node): string | null {
  const name = dottedName(node);
  return name !== null && QUALIFIED_TYPE_VALUES.has(name) ? name : null;
}

function dottedName(node: Node): string | null {
  if (node.op === 'name') return node.name;
  if (node.op !== 'select' || node.test || node.optional) return null;
  const object = dottedName(node.object);
  return object === null ? null : `${object}.${node.field}`;
}

export function selectType(node: SelectNode, objectType: Type, scope: Scope): Type {
  const field = fieldType(node, sure(objectType));
  if (node.test) return presenceType(node, { objectType, field, scope });
  if (node.optional) return { kind: 'optional', of: field };
  return objectType.kind === 'unsure' ? unsure(field, false) : field;
}

function fieldType({ object, field, fieldRange }: SelectNode, type: SureType): Type {
  switch (type.kind) {
    case 'record': {
      const found = type.fields.get(field);
      if (found !== undefined) return found;
      throw new ExpressionError('unknown-field', `no field "${field}" in ${type.name}${didYouMean(field, type.fields.keys())}`, {
        range: fieldRange,
      });
    }
    case 'map':
      return type.value;
    case 'dyn':
      return DYN;
    case 'optional':
      return fieldType({ object, field, fieldRange } as SelectNode, sure(type.of));
    default:
      throw new ExpressionError('type', `${nameOf(type)} has no fields, so no field "${field}"`, { range: fieldRange });
  }
}

/** A record has each of its fields: `has()` is true of one that is null, and fails where the record is null. */
function presenceType(node: SelectNode, { objectType, field, scope }: { objectType: Type; field: Type; scope: Scope }): Type {
  const object = textOf(scope, node.object);
  if (objectType.kind === 'unsure' && objectType.orNull) {
    throw failAt(node, 'may-be-null', `${object} may be null, of which has() fails; check ${object} != null first`);
  }
  if (sure(objectType).kind === 'record' && field.kind === 'unsure' && field.orNull) {
    const path = `${object}.${node.field}`;
    throw failAt(node, 'may-be-null', `has(${path}) is true also where ${path} is null; write ${path} != null`);
  }
  return BOOL;
}
