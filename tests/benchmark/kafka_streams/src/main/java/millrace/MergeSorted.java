package millrace;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Merges the sorted partitions of a topic of decimal integers into one, which Kafka Streams has no operator for: each
 * record goes through a topic of one partition with the number of its own, behind which one task merges.
 *
 * <p>What that task holds back is in memory only: unlike sorted_merge it would not survive a crash. Held in a store it
 * would be slower. Ends when everything that the input had at the start is merged.
 * {@code java ... millrace.MergeSorted BOOTSTRAP INPUT OUTPUT ID STATE_DIRECTORY THREADS COMMIT_MS}
 */
public final class MergeSorted {
    private static final AtomicLong MERGED = new AtomicLong();

    /** Tells the merge which partition a record is of. */
    private static final class Tag implements Processor<byte[], byte[], Integer, byte[]> {
        private ProcessorContext<Integer, byte[]> context;

        @Override
        public void init(ProcessorContext<Integer, byte[]> given) {
            context = given;
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            context.forward(record.withKey(context.taskId().partition()));
        }
    }

    /** Numbers in the order in which they came, without boxes. */
    private static final class Numbers {
        private long[] ring = new long[1024];
        private int first;
        private int size;

        void add(long number) {
            if (size == ring.length) {
                var larger = new long[2 * size];
                for (int i = 0; i < size; ++i) larger[i] = ring[(first + i) % size];
                ring = larger;
                first = 0;
            }
            ring[(first + size++) % ring.length] = number;
        }

        long head() {
            return ring[first];
        }

        void remove() {
            first = (first + 1) % ring.length;
            --size;
        }
    }

    /** Passes on what nothing that is still to come can precede. */
    private static final class Merge implements Processor<Integer, byte[], byte[], byte[]> {
        private final long[] toCome;
        private final Numbers[] held;
        private final PriorityQueue<Integer> heads;
        private int waitedFor;
        private ProcessorContext<byte[], byte[]> context;

        Merge(long[] counts) {
            toCome = counts.clone();
            held = new Numbers[counts.length];
            for (int i = 0; i < counts.length; ++i) {
                held[i] = new Numbers();
                if (counts[i] > 0) ++waitedFor;
            }
            heads = new PriorityQueue<>((a, b) -> {
                int order = Long.compare(held[a].head(), held[b].head());
                return order != 0 ? order : Integer.compare(a, b);
            });
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> given) {
            context = given;
        }

        @Override
        public void process(Record<Integer, byte[]> record) {
            int partition = record.key();
            --toCome[partition];
            held[partition].add(Long.parseLong(new String(record.value(), StandardCharsets.ISO_8859_1)));
            if (held[partition].size > 1) return;
            heads.add(partition);
            --waitedFor;
            while (waitedFor == 0 && !heads.isEmpty()) {
                int least = heads.poll();
                byte[] value = Long.toString(held[least].head()).getBytes(StandardCharsets.ISO_8859_1);
                context.forward(new Record<>(null, value, record.timestamp()));
                MERGED.incrementAndGet();
                held[least].remove();
                if (held[least].size > 0) heads.add(least);
                else if (toCome[least] > 0) ++waitedFor;
            }
        }
    }

    public static void main(String[] argv) throws Exception {
        String bootstrap = argv[0], input = argv[1], output = argv[2], id = argv[3], gathered = id + "-gathered";
        var config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(StreamsConfig.STATE_DIR_CONFIG, argv[4]);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, argv[5]);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, argv[6]);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put("auto.offset.reset", "earliest");
        config.put(StreamsConfig.mainConsumerPrefix("max.poll.records"), 2000);
        config.put(StreamsConfig.mainConsumerPrefix("max.partition.fetch.bytes"), 4 << 20);
        config.put(StreamsConfig.mainConsumerPrefix("receive.buffer.bytes"), 1 << 20);
        config.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        config.put(StreamsConfig.producerPrefix("compression.type"), "lz4");

        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(gathered, 1, (short) 1))).all().get();
            long[] counts = counts(admin, input);
            long total = java.util.Arrays.stream(counts).sum();
            var topology = new Topology()
                    .addSource("in", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), input)
                    .addProcessor("tag", Tag::new, "in")
                    .addSink("gather", gathered, Serdes.Integer().serializer(), Serdes.ByteArray().serializer(), "tag")
                    .addSource("gathered", Serdes.Integer().deserializer(), Serdes.ByteArray().deserializer(), gathered)
                    .addProcessor("merge", () -> new Merge(counts), "gathered")
                    .addSink("out", output, Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "merge");
            try (var streams = new KafkaStreams(topology, config)) {
                streams.setStateListener((now, before) -> {
                    if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
                });
                streams.start();
                while (MERGED.get() < total) Thread.sleep(50);
            }
        }
    }

    /** Records of each partition. */
    private static long[] counts(Admin admin, String topic) throws Exception {
        var partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions();
        var latest = partitions.stream()
                .collect(Collectors.toMap(p -> new TopicPartition(topic, p.partition()), p -> OffsetSpec.latest()));
        var counts = new long[partitions.size()];
        admin.listOffsets(latest).all().get().forEach((at, end) -> counts[at.partition()] = end.offset());
        return counts;
    }
}
