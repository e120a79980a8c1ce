/** What a peer is told by its arguments, and the parts of the work that peers in JavaScript share. */
import { parseArgs } from 'node:util';
import avsc from 'avsc';

export interface Assignment {
  brokers: string;
  input: string;
  output: string;
  group: string;
  isExactlyOnce: boolean;
  partitions: number;
  /** Of what comes in and goes out: decoded and encoded again. */
  recode: (value: Buffer) => Buffer;
}

export function readAssignment(): Assignment {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { brokers: text, input: text, output: text, group: text, mode: text, partitions: text, 'schema-id': text, schema: text },
  });
  const { brokers, input, output, group, mode, partitions, schema } = values as Required<typeof values>;
  return {
    brokers: brokers!,
    input: input!,
    output: output!,
    group: group!,
    isExactlyOnce: mode === 'exactly-once',
    partitions: Number(partitions),
    recode: recoder(Number(values['schema-id']), schema!),
  };
}

const FRAME_BYTES = 5;

/** Checks the schema id of Confluent's wire format, decodes the Avro body and encodes it again. */
function recoder(schemaId: number, schema: string): (value: Buffer) => Buffer {
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema);
  return (value) => {
    if (value[0] !== 0 || value.readUInt32BE(1) !== schemaId) throw new Error('a value with another schema');
    const body = type.toBuffer(type.fromBuffer(value.subarray(FRAME_BYTES)));
    const framed = Buffer.allocUnsafe(FRAME_BYTES + body.length);
    framed[0] = 0;
    framed.writeUInt32BE(schemaId, 1);
    framed.set(body, FRAME_BYTES);
    return framed;
  };
}

export interface Source {
  topic: string;
  partition: number;
  offset: string;
  timestamp: string;
  hops: number;
}

/** The headers that sagafleet's worker writes. */
export function headersFor({ topic, partition, offset, timestamp, hops }: Source, group: string): Record<string, string> {
  return {
    ce_specversion: '1.0',
    ce_type: 'bench.done',
    ce_source: '/sagafleet/default/bench',
    ce_id: `${topic}/${partition}/${offset}/${timestamp}/${group}/done/0`,
    'saga-hops': String(hops + 1),
  };
}
