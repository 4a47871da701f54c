#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/format.h"
#include "millrace/framework/partitioner.h"
#include "millrace/framework/repartition_format.h"
#include "millrace/framework/stream.h"

namespace millrace {

/// Cuts a stream by key through the internal topic `<application-id>-<name>-repartition`: what
/// follows is another sub-topology, with the same key always in the same task.
///
/// Event time and watermarks travel along. Written in the open transaction; purged when the reader
/// has committed. The value's type needs a Format (framework/format.h).
///
///     stream | key_by(&Order::customer) | through("orders-by-customer") | ...
class Through {
 public:
  using graph_operator = void;
  Through(std::string name, std::int32_t partitions)
      : name_(std::move(name)), partitions_(partitions) {}

  template <class S>
  auto apply(S&& stream) && {
    using T = typename S::value_type;
    Graph& graph = stream.graph();
    StreamTraits traits = stream.traits();
    const TopicName topic{TopicName::Kind::kRepartition, name_};
    graph.add(RepartitionSpec{name_, partitions_, traits.behind_repartition, traits.lateness_ms});
    NodeSpec node = std::move(stream).close(Write<T>(topic));
    node.sinks.push_back(topic);
    node.operators.push_back("through " + name_);
    graph.add(std::move(node));
    traits.behind_repartition = true;
    traits.source = topic;
    using Key = StreamKey<typename std::remove_cvref_t<S>::stream_key::type, false>;
    return Stream<T, Chain<RepartitionHead<T>>, Key>(graph, {RepartitionHead<T>{topic}, {}}, traits,
                                                     "through '" + name_ + "'");
  }

 private:
  template <class T>
  class Write {
   public:
    static constexpr std::string_view kName = "write";
    explicit Write(TopicName topic) : topic_(std::move(topic)) {}

    void open(TaskContext& context) {
      context_ = &context;
      name_ = context.resolve(topic_);
      partitions_ = context.partitions(topic_);
    }
    template <class Value, class Next>
    void operator()(Value&& value, const RecordInfo& info, Next&&) {
      buffer_.clear();
      begin_repartition_data(info.event_time_ms, info.watermark_ms, buffer_);
      ByteWriter out(buffer_);
      Format<T>::write(value, out);
      context_->collector().send({.topic = name_,
                                  .partition = info.key.data() == nullptr
                                                   ? context_->partition() % partitions_
                                                   : partition_for_key(info.key, partitions_),
                                  .key = info.key,
                                  .value = buffer_});
    }

   private:
    TopicName topic_;
    std::string name_;
    std::int32_t partitions_ = 1;
    TaskContext* context_ = nullptr;
    std::string buffer_;
  };

  std::string name_;
  std::int32_t partitions_;
};

/// `partitions`: of the internal topic; 0: as many as the source's. Fixed when the topic is
/// created.
inline Through through(std::string name, std::int32_t partitions = 0) {
  return Through(std::move(name), partitions);
}

}  // namespace millrace
