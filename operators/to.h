#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/codec.h"
#include "millrace/framework/partitioner.h"
#include "millrace/framework/stream.h"

namespace millrace {

/// Ends a stream in a topic: encodes each value and writes it in the open transaction.
///
/// The record's key is the stream's, its partition the one a Java producer would choose for that
/// key (without a key: the task's number), its timestamp the event time, but never beyond now. A
/// missing topic is created with one partition.
///
///     stream | to("minute-stats", window_stats_json())
template <class Codec>
class To {
 public:
  using graph_operator = void;
  To(std::string topic, Codec codec) : topic_(std::move(topic)), codec_(std::move(codec)) {}

  template <class S>
  void apply(S&& stream) && {
    using T = typename S::value_type;
    static_assert(EncodingCodec<Codec>, "to(topic, codec): the codec cannot encode");
    static_assert(std::convertible_to<T, typename Codec::value_type>,
                  "to(topic, codec): the codec encodes another type than the stream carries; put "
                  "map(f) before it");
    Graph& graph = stream.graph();
    const TopicName sink{TopicName::Kind::kExternal, topic_};
    const std::string line = "to " + topic_ + " " + codec_.describe();
    NodeSpec node = std::move(stream).close(Write(sink, std::move(codec_)));
    node.sinks.push_back(sink);
    node.operators.push_back(line);
    graph.add(std::move(node));
  }

 private:
  class Write {
   public:
    static constexpr std::string_view kName = "write";
    Write(TopicName sink, Codec codec) : sink_(std::move(sink)), codec_(std::move(codec)) {}

    void open(TaskContext& context) {
      context_ = &context;
      partitions_ = context.partitions(sink_);
      retention_ms_ = context.retention_ms(sink_);
    }
    template <class T, class Next>
    void operator()(T&& value, const RecordInfo& info, Next&&) {
      buffer_.clear();
      codec_.encode(value, buffer_);
      OutgoingRecord record{.topic = sink_.name, .key = info.key, .value = buffer_};
      if constexpr (requires { codec_.is_null(value); })  // a tombstone
        if (codec_.is_null(value)) record.value = {};
      record.partition = info.key.data() == nullptr ? context_->partition() % partitions_
                                                    : partition_for_key(info.key, partitions_);
      if (info.event_time_ms >= 0) time(record, info.event_time_ms);
      context_->collector().send(record);
    }

   private:
    void time(OutgoingRecord& record, std::int64_t event_ms) {
      const std::int64_t now_ms = context_->clock().wall_ms();
      record.timestamp_ms = std::min(event_ms, now_ms);
      if (retention_ms_ < 0 || event_ms >= now_ms - retention_ms_) return;
      context_->log().write(LogLevel::kWarning,
                            "results are older than the topic keeps records: it will delete them; "
                            "set its retention.ms to -1",
                            {{"topic", record.topic},
                             {"partition", record.partition},
                             {"timestamp_ms", event_ms},
                             {"retention_ms", retention_ms_}});
      retention_ms_ = -1;  // said once
    }

    TopicName sink_;
    Codec codec_;
    std::int64_t retention_ms_ = -1;
    std::int32_t partitions_ = 1;
    TaskContext* context_ = nullptr;
    std::string buffer_;
  };

  std::string topic_;
  Codec codec_;
};

template <class Codec>
To<Codec> to(std::string topic, Codec codec) {
  return To<Codec>(std::move(topic), std::move(codec));
}

}  // namespace millrace
