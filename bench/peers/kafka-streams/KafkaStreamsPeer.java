import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/** Kafka Streams with its defaults but for the guarantee. Its default partitioner keeps partitions, as the key stays. */
public final class KafkaStreamsPeer {
    private static final int FRAME_BYTES = 5;

    public static void main(String[] args) {
        Map<String, String> told = new HashMap<>();
        for (int at = 0; at < args.length; at += 2) told.put(args[at].substring(2), args[at + 1]);

        Schema schema = new Schema.Parser().parse(told.get("schema"));
        int schemaId = Integer.parseInt(told.get("schema-id"));
        String group = told.get("group");

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(told.get("input"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .processValues(() -> new Recoder(schema, schemaId, group))
            .to(told.get("output"), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));

        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, group);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, told.get("brokers"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
            told.get("mode").equals("exactly-once") ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    /** Checks the schema id, decodes the Avro body, encodes it again and writes the headers of sagafleet's worker. */
    private static final class Recoder implements FixedKeyProcessor<byte[], byte[], byte[]> {
        private static final byte[] SPECVERSION = "1.0".getBytes(StandardCharsets.UTF_8);
        private static final byte[] TYPE = "bench.done".getBytes(StandardCharsets.UTF_8);
        private static final byte[] SOURCE = "/sagafleet/default/bench".getBytes(StandardCharsets.UTF_8);

        private final int schemaId;
        private final String idSuffix;
        private final GenericDatumReader<GenericRecord> reader;
        private final GenericDatumWriter<GenericRecord> writer;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        private BinaryDecoder decoder;
        private BinaryEncoder encoder;
        private FixedKeyProcessorContext<byte[], byte[]> context;

        Recoder(Schema schema, int schemaId, String group) {
            this.schemaId = schemaId;
            this.idSuffix = "/" + group + "/done/0";
            this.reader = new GenericDatumReader<>(schema);
            this.writer = new GenericDatumWriter<>(schema);
        }

        @Override
        public void init(FixedKeyProcessorContext<byte[], byte[]> context) {
            this.context = context;
        }

        @Override
        public void process(FixedKeyRecord<byte[], byte[]> record) {
            RecordMetadata place = context.recordMetadata().orElseThrow();
            Headers headers = record.headers();
            Header before = headers.lastHeader("saga-hops");
            int hops = before == null ? 0 : Integer.parseInt(new String(before.value(), StandardCharsets.UTF_8));
            String id = place.topic() + "/" + place.partition() + "/" + place.offset() + "/" + record.timestamp() + idSuffix;
            headers.remove("saga-hops");
            headers.add("ce_specversion", SPECVERSION);
            headers.add("ce_type", TYPE);
            headers.add("ce_source", SOURCE);
            headers.add("ce_id", id.getBytes(StandardCharsets.UTF_8));
            headers.add("saga-hops", Integer.toString(hops + 1).getBytes(StandardCharsets.UTF_8));
            context.forward(record.withValue(recode(record.value())));
        }

        private byte[] recode(byte[] value) {
            ByteBuffer frame = ByteBuffer.wrap(value);
            if (frame.get() != 0 || frame.getInt() != schemaId) throw new IllegalArgumentException("a value with another schema");
            try {
                decoder = DecoderFactory.get().binaryDecoder(value, FRAME_BYTES, value.length - FRAME_BYTES, decoder);
                GenericRecord event = reader.read(null, decoder);
                bytes.reset();
                bytes.write(value, 0, FRAME_BYTES);
                encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
                writer.write(event, encoder);
                encoder.flush();
                return bytes.toByteArray();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
