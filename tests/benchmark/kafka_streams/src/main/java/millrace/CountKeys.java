package millrace;

import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.Options;

/**
 * Counts the records of each key of a topic, exactly once, as tests/benchmark/count_keys.cc does; ends when the
 * committed offsets have reached the ends that the input had at the start.
 * {@code java ... millrace.CountKeys BOOTSTRAP INPUT OUTPUT ID STATE_DIRECTORY THREADS COMMIT_MS}
 */
public final class CountKeys {
    /** Larger memtables than the default of 16 MiB. */
    public static final class Rocks implements RocksDBConfigSetter {
        @Override
        public void setConfig(String store, Options options, Map<String, Object> configs) {
            options.setWriteBufferSize(64L << 20);
        }

        @Override
        public void close(String store, Options options) { }
    }

    public static void main(String[] argv) throws Exception {
        String bootstrap = argv[0], input = argv[1], output = argv[2], id = argv[3];
        var config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(StreamsConfig.STATE_DIR_CONFIG, argv[4]);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, argv[5]);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, argv[6]);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 128 << 20);
        config.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Rocks.class);
        config.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        config.put("auto.offset.reset", "earliest");
        config.put(StreamsConfig.mainConsumerPrefix("max.poll.records"), 2000);
        config.put(StreamsConfig.mainConsumerPrefix("max.partition.fetch.bytes"), 4 << 20);
        config.put(StreamsConfig.mainConsumerPrefix("receive.buffer.bytes"), 1 << 20);
        config.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        config.put(StreamsConfig.producerPrefix("compression.type"), "lz4");

        var builder = new StreamsBuilder();
        builder.stream(input, Consumed.with(Serdes.Bytes(), Serdes.Bytes()))
                .groupByKey(Grouped.with(Serdes.Bytes(), Serdes.Bytes()))
                .count(Materialized.<Bytes, Long, KeyValueStore<Bytes, byte[]>>as("counts"))
                .toStream()
                .mapValues(count -> Long.toString(count))
                .to(output, Produced.with(Serdes.Bytes(), Serdes.String()));

        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
                var streams = new KafkaStreams(builder.build(config), config)) {
            Map<TopicPartition, Long> ends = ends(admin, input);
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
            });
            streams.start();
            while (!reached(admin, id, ends)) Thread.sleep(50);
        }
    }

    private static Map<TopicPartition, Long> ends(Admin admin, String topic) throws Exception {
        var latest = admin.describeTopics(java.util.List.of(topic)).allTopicNames().get().get(topic).partitions().stream()
                .collect(Collectors.toMap(p -> new TopicPartition(topic, p.partition()), p -> OffsetSpec.latest()));
        return admin.listOffsets(latest).all().get().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, end -> end.getValue().offset()));
    }

    private static boolean reached(Admin admin, String id, Map<TopicPartition, Long> ends) throws Exception {
        var committed = admin.listConsumerGroupOffsets(id).partitionsToOffsetAndMetadata().get();
        return ends.entrySet().stream().allMatch(end -> {
            var at = committed.get(end.getKey());
            return at != null && at.offset() >= end.getValue();
        });
    }
}
