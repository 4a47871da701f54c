package millrace;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** Copies a topic to another, as tests/benchmark/pass_through.cc does. Command line: see {@link Peer}. */
public final class PassThrough {
    public static void main(String[] argv) throws Exception {
        try (var peer = new Peer(argv)) {
            var builder = new StreamsBuilder();
            builder.stream(peer.input, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                    .to(peer.output, Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
            peer.run(builder.build(peer.config), peer.exactlyOnce() ? peer.committedAll() : peer.writtenAll());
        }
    }
}
