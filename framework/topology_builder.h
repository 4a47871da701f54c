#pragma once

#include <memory>
#include <string>
#include <utility>

#include "millrace/framework/stream.h"
#include "millrace/framework/topology.h"

namespace millrace {

/// Builds a topology: `topology.source("in", codec) | filter(f) | to("out", codec)`, then build().
/// Streams refer to the builder: it must outlive them.
class TopologyBuilder {
 public:
  /// `name` is the default application id.
  explicit TopologyBuilder(std::string name)
      : name_(std::move(name)), graph_(std::make_unique<Graph>()) {}

  /// A stream of what `codec` decodes from `topic`. The topic must exist when the application
  /// starts.
  template <class Codec>
  auto source(std::string topic, Codec codec) {
    static_assert(DecodingCodec<Codec>,
                  "source(topic, codec): the codec cannot decode; it needs value_type, describe() "
                  "and decode(record, arena, "
                  "value), see framework/codec.h");
    std::string where = "source '" + topic + "'";
    using T = typename Codec::value_type;
    const TopicName name{TopicName::Kind::kExternal, std::move(topic)};
    StreamTraits traits;
    traits.source = name;
    return Stream<T, Chain<TopicHead<Codec>>>(
        *graph_, {TopicHead<Codec>{name, std::move(codec)}, {}}, traits, std::move(where));
  }

  /// Checks the graph and makes it immutable. Call once, at the end. kInvalid says what is wrong
  /// and where.
  Result<Topology> build() { return Topology::make(std::move(name_), std::move(*graph_)); }

 private:
  std::string name_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace millrace
