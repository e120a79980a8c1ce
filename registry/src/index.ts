export { RegistryClient, COMPATIBILITY_LEVELS } from './client.ts';
export type { CompatibilityLevel, RegisteredSchema, RegistryOptions, SchemaReference, SubjectVersion } from './client.ts';
export { AvroCodecs, Decoder, Encoder } from './codecs.ts';
export type { SchemaLookup } from './codecs.ts';
export { parseSchema } from './avro/parse.ts';
export type { AvroField, AvroSchema, AvroType, SchemaTexts } from './avro/parse.ts';
export { schemaIdOf } from './frame.ts';
export { RegistryError } from './errors.ts';
export type { Consequence, RegistryErrorCode } from './errors.ts';
