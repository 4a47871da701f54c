package millrace;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.FailOnInvalidTimestamp;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.Options;

/**
 * What the programs here share: the command line, settings that are good for throughput, and how a run ends.
 *
 * <p>{@code java ... millrace.PROGRAM BOOTSTRAP INPUT OUTPUT ID STATE_DIRECTORY THREADS COMMIT_MS [NAME=VALUE...]} with
 * {@code guarantee=at_least_once} (default: exactly once), {@code instance=NAME} (a static member), {@code
 * until=stopped} (default: the end that the input has at the start), {@code compression=}, {@code linger-ms=}, and what
 * a program says of itself.
 */
final class Peer implements AutoCloseable {
    private static volatile long firstRecord; // nanoTime at which the first record was handed over

    /** Larger memtables than the default of 16 MiB. */
    public static final class Rocks implements RocksDBConfigSetter {
        @Override
        public void setConfig(String store, Options options, Map<String, Object> configs) {
            options.setWriteBufferSize(64L << 20);
        }

        @Override
        public void close(String store, Options options) { }
    }

    /** Marks the start of processing. */
    public static final class Extractor extends FailOnInvalidTimestamp {
        @Override
        public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
            if (firstRecord == 0) firstRecord = System.nanoTime();
            return super.extract(record, partitionTime);
        }
    }

    /** How a bounded run finds out that it is done. */
    interface Done {
        boolean yet() throws Exception;
    }

    final String input;
    final String output;
    final String id;
    final Admin admin;
    final Properties config = new Properties();
    private final String bootstrap;
    private KafkaConsumer<byte[], byte[]> reader; // of the output, if it is looked at
    private final Map<String, String> options = new HashMap<>();

    Peer(String[] argv) {
        bootstrap = argv[0];
        input = argv[1];
        output = argv[2];
        id = argv[3];
        for (int i = 7; i < argv.length; ++i) {
            int equals = argv[i].indexOf('=');
            options.put(argv[i].substring(0, equals), argv[i].substring(equals + 1));
        }
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(StreamsConfig.STATE_DIR_CONFIG, argv[4]);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, argv[5]);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, argv[6]);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
                exactlyOnce() ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 128 << 20);
        config.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 2000);
        config.put(StreamsConfig.DEFAULT_TIMESTAMP_EXTRACTOR_CLASS_CONFIG, Extractor.class);
        config.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Rocks.class);
        config.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        // Event times are years old: without this the broker's retention deletes the changelogs of windows.
        config.put(StreamsConfig.WINDOW_STORE_CHANGE_LOG_ADDITIONAL_RETENTION_MS_CONFIG,
                Duration.ofDays(36500).toMillis());
        config.put("auto.offset.reset", "earliest");
        config.put(StreamsConfig.mainConsumerPrefix("max.poll.records"), 2000);
        config.put(StreamsConfig.mainConsumerPrefix("max.partition.fetch.bytes"), 4 << 20);
        config.put(StreamsConfig.mainConsumerPrefix("receive.buffer.bytes"), 1 << 20);
        config.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        config.put(StreamsConfig.producerPrefix("linger.ms"), option("linger-ms", "100")); // the default of Streams
        config.put(StreamsConfig.producerPrefix("compression.type"), option("compression", "lz4"));
        if (options.containsKey("instance")) config.put("group.instance.id", options.get("instance"));
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    String option(String name, String otherwise) {
        return options.getOrDefault(name, otherwise);
    }

    long number(String name, long otherwise) {
        return Long.parseLong(option(name, Long.toString(otherwise)));
    }

    boolean exactlyOnce() {
        return option("guarantee", "exactly_once").equals("exactly_once");
    }

    /** Runs until it is done, or stopped; says when it runs, and at the end the seconds since its first record. */
    void run(Topology topology, Done done) throws Exception {
        try (var streams = new KafkaStreams(topology, config)) {
            var restored = new Restored();
            streams.setGlobalStateRestoreListener(restored);
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
                if (now == KafkaStreams.State.RUNNING)
                    System.out.println("running, restored records=" + restored.records);
            });
            streams.start();
            if (option("until", "end").equals("stopped")) {
                Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
                new CountDownLatch(1).await();
            }
            while (!done.yet()) Thread.sleep(50);
            System.out.printf("{\"seconds\": %.3f}%n", (System.nanoTime() - firstRecord) / 1e9);
        }
    }

    private static final class Restored implements StateRestoreListener {
        volatile long records;

        @Override
        public void onRestoreStart(TopicPartition partition, String store, long from, long to) { }

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long count) { }

        @Override
        public synchronized void onRestoreEnd(TopicPartition partition, String store, long total) {
            records += total;
        }
    }

    /** The committed offsets have reached the ends that the input had at the start. */
    Done committedAll() throws Exception {
        var ends = ends(input);
        return () -> {
            var committed = admin.listConsumerGroupOffsets(id).partitionsToOffsetAndMetadata().get();
            return ends.entrySet().stream().allMatch(end -> {
                var at = committed.get(end.getKey());
                return end.getValue() == 0 || at != null && at.offset() >= end.getValue();
            });
        };
    }

    /** The output holds as many records as the input did at the start. Not for transactions: their markers count. */
    Done writtenAll() throws Exception {
        long expected = total(ends(input));
        return () -> total(ends(output)) >= expected;
    }

    /** The last result of each window that can be read accounts for every frame that the input had at the start. */
    Done countedAll() throws Exception {
        long expected = total(ends(input));
        var field = Pattern.compile("\"frames\":(\\d+)");
        var frames = new HashMap<Long, Long>();
        reader = new KafkaConsumer<>(Map.<String, Object>of("bootstrap.servers", bootstrap,
                "isolation.level", "read_committed"), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        reader.assign(List.of(new TopicPartition(output, 0)));
        reader.seekToBeginning(reader.assignment());
        return () -> {
            for (var record : reader.poll(Duration.ofMillis(20))) {
                var found = field.matcher(new String(record.value()));
                if (!found.find()) throw new IllegalStateException("a result without frames");
                frames.put(ByteBuffer.wrap(record.key()).getLong(), Long.parseLong(found.group(1)));
            }
            return frames.values().stream().mapToLong(Long::longValue).sum() >= expected;
        };
    }

    private static long total(Map<TopicPartition, Long> ends) {
        return ends.values().stream().mapToLong(Long::longValue).sum();
    }

    Map<TopicPartition, Long> ends(String topic) throws Exception {
        var latest = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream()
                .collect(Collectors.toMap(p -> new TopicPartition(topic, p.partition()), p -> OffsetSpec.latest()));
        return admin.listOffsets(latest).all().get().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, end -> end.getValue().offset()));
    }

    @Override
    public void close() {
        if (reader != null) reader.close();
        admin.close();
    }
}
