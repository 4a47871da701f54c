package millrace;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.serialization.Serdes;
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
 * Command line: see {@link Peer}.
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
        try (var peer = new Peer(argv)) {
            String gathered = peer.id + "-gathered";
            peer.admin.createTopics(List.of(new NewTopic(gathered, 1, (short) 1))).all().get();
            var ends = peer.ends(peer.input);
            var counts = new long[ends.size()];
            ends.forEach((partition, end) -> counts[partition.partition()] = end);
            long total = Arrays.stream(counts).sum();
            var topology = new Topology()
                    .addSource("in", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), peer.input)
                    .addProcessor("tag", Tag::new, "in")
                    .addSink("gather", gathered, Serdes.Integer().serializer(), Serdes.ByteArray().serializer(), "tag")
                    .addSource("gathered", Serdes.Integer().deserializer(), Serdes.ByteArray().deserializer(), gathered)
                    .addProcessor("merge", () -> new Merge(counts), "gathered")
                    .addSink("out", peer.output, Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(),
                            "merge");
            peer.run(topology, () -> MERGED.get() >= total);
        }
    }
}
