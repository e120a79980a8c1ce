/** A parsed Avro schema. */

/** The part of an avsc type that is used here; logical types are their base types. */
export interface AvroType {
  readonly typeName: string;
  /** Full name of a named type, the type's name otherwise; undefined for a union. */
  readonly branchName: string | undefined;
  readonly name: string | undefined;
  readonly aliases: readonly string[] | undefined;
  readonly fields: readonly AvroField[];
  readonly types: readonly AvroType[];
  readonly itemsType: AvroType;
  readonly valuesType: AvroType;
  readonly symbols: readonly string[];
  /** Of an enum: the reader's symbol for one that it does not know. */
  readonly default: string | undefined;
  readonly size: number;
}
export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
}

export interface AvroSchema {
  readonly type: AvroType;
  /** Default of each field that has one, as it stands in the schema's JSON. */
  readonly defaults: ReadonlyMap<AvroField, unknown>;
}

/** Texts of a schema and, in order of dependency, of the schemas it refers to by name. */
export interface SchemaTexts {
  schema: string;
  dependencies: readonly string[];
}
