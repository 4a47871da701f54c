package millrace;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/** Counts the records of each key of a topic, as tests/benchmark/count_keys.cc does. Command line: see {@link Peer}. */
public final class CountKeys {
    public static void main(String[] argv) throws Exception {
        try (var peer = new Peer(argv)) {
            var builder = new StreamsBuilder();
            builder.stream(peer.input, Consumed.with(Serdes.Bytes(), Serdes.Bytes()))
                    .groupByKey(Grouped.with(Serdes.Bytes(), Serdes.Bytes()))
                    .count(Materialized.<Bytes, Long, KeyValueStore<Bytes, byte[]>>as("counts"))
                    .toStream()
                    .mapValues(count -> Long.toString(count))
                    .to(peer.output, Produced.with(Serdes.Bytes(), Serdes.String()));
            peer.run(builder.build(peer.config), peer.committedAll());
        }
    }
}
