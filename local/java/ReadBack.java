import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.MinimalPrettyPrinter;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics from their beginning to where they end now, as a consumer with isolation level read_committed sees them,
 * by Kafka's own client: what the demo and the tests say about topics does not rest on the code that wrote them.
 *
 * <p>Arguments: {@code BOOTSTRAP (topic:NAME | group:NAME)...}. One JSON object a line on standard output:
 * <pre>
 * {"record":{"topic":…,"partition":0,"offset":0,"timestamp":0,"key":BASE64|null,"value":BASE64|null,"headers":[[NAME,BASE64|null],…]}}
 * {"end":{"topic":…,"partition":0,"highWatermark":0,"lastStable":0}}
 * {"committed":{"group":…,"topic":…,"partition":0,"offset":0}}
 * </pre>
 */
public final class ReadBack {
  private static final int TIMEOUT_MS = 15_000;
  private static final String TOPIC = "topic:";
  private static final String GROUP = "group:";

  private final Map<String, Object> connection;
  private final JsonGenerator json;

  private ReadBack(String bootstrap, JsonGenerator json) {
    this.connection = Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", TIMEOUT_MS, "request.timeout.ms", TIMEOUT_MS);
    this.json = json;
  }

  public static void main(String[] args) throws Exception {
    var output = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
    try (var json = new JsonFactory().createGenerator(output)) {
      json.setPrettyPrinter(new MinimalPrettyPrinter("\n"));
      var readBack = new ReadBack(args[0], json);
      try (var admin = Admin.create(readBack.connection)) {
        readBack.writeTopics(admin, named(args, TOPIC));
        readBack.writeCommitted(admin, named(args, GROUP));
      }
    }
  }

  private static List<String> named(String[] args, String prefix) {
    var names = new ArrayList<String>();
    for (var arg : args) {
      if (arg.startsWith(prefix)) names.add(arg.substring(prefix.length()));
    }
    return names;
  }

  private void writeTopics(Admin admin, List<String> topics) throws Exception {
    var partitions = admin.describeTopics(topics).allTopicNames().get().values().stream()
        .flatMap(topic -> topic.partitions().stream().map(partition -> new TopicPartition(topic.name(), partition.partition())))
        .toList();
    var stable = ends(admin, partitions, IsolationLevel.READ_COMMITTED);
    var high = ends(admin, partitions, IsolationLevel.READ_UNCOMMITTED);
    writeRecords(stable);
    for (var partition : partitions) {
      json.writeStartObject();
      json.writeObjectFieldStart("end");
      writePartition(partition);
      json.writeNumberField("highWatermark", high.get(partition));
      json.writeNumberField("lastStable", stable.get(partition));
      json.writeEndObject();
      json.writeEndObject();
    }
  }

  private static Map<TopicPartition, Long> ends(Admin admin, List<TopicPartition> partitions, IsolationLevel level) throws Exception {
    var latest = partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
    var ends = admin.listOffsets(latest, new ListOffsetsOptions(level)).all().get();
    return ends.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, end -> end.getValue().offset()));
  }

  /** The position of a consumer also passes what it does not hand over: aborted records and transaction markers. */
  private void writeRecords(Map<TopicPartition, Long> ends) throws IOException {
    var settings = new HashMap<>(connection);
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", false);
    settings.put("auto.offset.reset", "none");
    settings.put("max.poll.records", 5_000);
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      var open = new ArrayList<>(ends.keySet());
      consumer.assign(open);
      consumer.seekToBeginning(open);
      open.removeIf(partition -> consumer.position(partition) >= ends.get(partition));
      consumer.assign(open);
      var deadline = System.nanoTime() + Duration.ofMillis(TIMEOUT_MS).toNanos();
      while (!open.isEmpty()) {
        var records = consumer.poll(Duration.ofMillis(100));
        for (var record : records) {
          if (record.offset() < ends.get(new TopicPartition(record.topic(), record.partition()))) writeRecord(record);
        }
        if (!records.isEmpty()) deadline = System.nanoTime() + Duration.ofMillis(TIMEOUT_MS).toNanos();
        if (System.nanoTime() > deadline) throw new IOException("nothing arrives any more, still open: " + open);
        if (open.removeIf(partition -> consumer.position(partition) >= ends.get(partition))) consumer.assign(open);
      }
    }
  }

  private void writeRecord(ConsumerRecord<byte[], byte[]> record) throws IOException {
    json.writeStartObject();
    json.writeObjectFieldStart("record");
    writePartition(new TopicPartition(record.topic(), record.partition()));
    json.writeNumberField("offset", record.offset());
    json.writeNumberField("timestamp", record.timestamp());
    json.writeFieldName("key");
    writeBytes(record.key());
    json.writeFieldName("value");
    writeBytes(record.value());
    json.writeArrayFieldStart("headers");
    for (Header header : record.headers()) {
      json.writeStartArray();
      json.writeString(header.key());
      writeBytes(header.value());
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeEndObject();
    json.writeEndObject();
  }

  private void writeCommitted(Admin admin, List<String> groups) throws Exception {
    for (var group : groups) {
      var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      for (var committed : offsets.entrySet()) {
        if (committed.getValue() == null) continue;
        json.writeStartObject();
        json.writeObjectFieldStart("committed");
        json.writeStringField("group", group);
        writePartition(committed.getKey());
        json.writeNumberField("offset", committed.getValue().offset());
        json.writeEndObject();
        json.writeEndObject();
      }
    }
  }

  private void writePartition(TopicPartition partition) throws IOException {
    json.writeStringField("topic", partition.topic());
    json.writeNumberField("partition", partition.partition());
  }

  private void writeBytes(byte[] bytes) throws IOException {
    if (bytes == null) json.writeNull();
    else json.writeBinary(bytes);
  }
}
