#pragma once

#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "millrace/framework/codec.h"
#include "millrace/framework/decode_sample.h"
#include "millrace/framework/format.h"
#include "millrace/framework/operator_chain.h"
#include "millrace/framework/repartition_format.h"

namespace millrace {

/// A record of a repartition topic was written by this application: one that cannot be read is no
/// bad input, and no policy may skip it.
Status unreadable(const SourcePartition& source, const RecordView& record, std::string_view why);

/// Runs `body` for a batch; an exception of a user's function becomes an error of `source` at the
/// offset in `offset` at that time.
template <class Body>
std::size_t catching_user_exceptions(SourcePartition& source, const std::int64_t& offset,
                                     std::size_t size, Body body) {
  try {
    return body();
  } catch (const std::exception& error) {
    source.threw(offset, error.what());
  } catch (...) {
    source.threw(offset, "an exception that is no std::exception");
  }
  return size;
}

/// Decodes a topic's records and runs them through a chain: the hot loop of a source.
template <DecodingCodec Codec, class... Operators>
class TopicNode final : public SourceNode {
 public:
  TopicNode(Codec codec, std::tuple<Operators...> operators)
      : codec_(std::move(codec)), chain_(std::move(operators)) {}

  void open(TaskContext& context) override {
    context_ = &context;
    chain_.open(context);
  }
  void watermark(std::int64_t watermark_ms) override { chain_.watermark(watermark_ms); }
  void flush() override { chain_.flush(); }
  void committed() override { chain_.committed(); }
  void aborted() override { chain_.aborted(); }
  void count_records(std::vector<std::uint64_t>& counts) const override {
    counts.push_back(taken_);
    chain_.count_records(counts);
  }

  std::size_t process(std::span<const RecordView> records, Arena& arena,
                      SourcePartition& source) override {
    RecordInfo info;
    info.source = source.index();
    const auto loop = [&] {
      const bool sampled =
          sample_.begin(codec_, records, arena, context_->clock(), context_->offset_under_work);
      const auto end = [&](std::size_t done) {
        chain_.end_batch();
        if (sampled) sample_.end(context_->clock(), work);
        return done;
      };
      for (std::size_t i = 0; i < records.size(); ++i) {
        const RecordView& record = records[i];
        info.offset = context_->offset_under_work = record.offset;
        context_->record_under_work = &record;
        ++taken_;
        const DecodeOutcome outcome =
            sampled ? sample_[i].outcome : codec_.decode(record, arena, value_);
        if (!outcome.ok()) [[unlikely]] {
          source.refuse(record, outcome.error, outcome.field);
        } else {
          info.timestamp_ms = record.timestamp_ms;
          info.event_time_ms = record.timestamp_ms >= 0 ? record.timestamp_ms : kNoTime;
          info.watermark_ms = kNoTime;
          info.key = record.key;
          // The codec fills it anew.
          chain_.run(std::move(sampled ? sample_[i].value : value_), info);
        }
        if (source.must_stop()) [[unlikely]]
          return end(i);
      }
      return end(records.size());
    };
    return catching_user_exceptions(source, context_->offset_under_work, records.size(), loop);
  }

 private:
  TaskContext* context_ = nullptr;
  Codec codec_;
  typename Codec::value_type value_{};
  DecodeSample<Codec> sample_;
  std::uint64_t taken_ = 0;  ///< to be decoded
  OperatorChain<Operators...> chain_;
};

/// Decodes what a repartition topic carries of a stream of T.
template <class T, class... Operators>
class RepartitionNode final : public SourceNode {
 public:
  explicit RepartitionNode(std::tuple<Operators...> operators) : chain_(std::move(operators)) {}

  void open(TaskContext& context) override {
    context_ = &context;
    chain_.open(context);
  }
  void watermark(std::int64_t watermark_ms) override { chain_.watermark(watermark_ms); }
  void flush() override { chain_.flush(); }
  void committed() override { chain_.committed(); }
  void aborted() override { chain_.aborted(); }
  void count_records(std::vector<std::uint64_t>& counts) const override {
    chain_.count_records(counts);
  }

  std::size_t process(std::span<const RecordView> records, Arena&,
                      SourcePartition& source) override {
    RecordInfo info;
    info.source = source.index();
    const auto loop = [&] {
      for (const RecordView& record : records) {
        info.offset = context_->offset_under_work = record.offset;
        const auto envelope = decode_repartition_record(record.value);
        if (!envelope.ok()) {
          source.fail(unreadable(source, record, envelope.status().message()));
          chain_.end_batch();
          return records.size();
        }
        if (envelope->kind != RepartitionKind::kData) continue;
        ByteReader in(envelope->payload);
        T value = Format<T>::read(in);
        if (!in.done()) {
          source.fail(unreadable(source, record, "its value is not of this topology's type"));
          chain_.end_batch();
          return records.size();
        }
        info.timestamp_ms = record.timestamp_ms;
        info.event_time_ms = envelope->event_time_ms;
        info.watermark_ms = envelope->watermark_ms;
        info.key = record.key;
        chain_.run(std::move(value), info);
      }
      chain_.end_batch();
      return records.size();
    };
    return catching_user_exceptions(source, context_->offset_under_work, records.size(), loop);
  }

 private:
  TaskContext* context_ = nullptr;
  OperatorChain<Operators...> chain_;
};

/// Takes batches from an inner edge and runs them through a chain.
template <class T, class... Operators>
class EdgeNode final : public Node, public Edge<T> {
 public:
  EdgeNode(EdgeId<T> edge, std::tuple<Operators...> operators)
      : edge_(edge), chain_(std::move(operators)) {}

  void open(TaskContext& context) override {
    context_ = &context;
    chain_.open(context);
    context.provide<T>(edge_, *this);
  }
  void flush() override { chain_.flush(); }
  void committed() override { chain_.committed(); }
  void aborted() override { chain_.aborted(); }
  void count_records(std::vector<std::uint64_t>& counts) const override {
    chain_.count_records(counts);
  }

  void push(std::span<const T> values, std::span<const RecordInfo> infos) override {
    const NodeMeter::Turn turn(context_->meter(), work);
    ++work.batches;
    for (std::size_t i = 0; i < values.size(); ++i) {
      context_->offset_under_work = infos[i].offset;
      context_->source_under_work = infos[i].source;
      chain_.run(T(values[i]), infos[i]);
    }
    chain_.end_batch();
  }
  void watermark(std::int64_t watermark_ms) override { chain_.watermark(watermark_ms); }

 private:
  EdgeId<T> edge_;
  TaskContext* context_ = nullptr;
  OperatorChain<Operators...> chain_;
};

/// The end of a chain that feeds an inner edge: collects a batch, then pushes it.
template <class T>
class EmitTo {
 public:
  static constexpr std::string_view kName = "emit";
  template <class>
  struct Output {
    using type = void;
  };
  explicit EmitTo(EdgeId<T> edge) : edge_(edge) {}
  EmitTo(const EmitTo& other) : edge_(other.edge_) {}
  EmitTo(EmitTo&&) noexcept = default;

  void open(TaskContext& context) { to_ = &context.edge(edge_); }
  template <class Value, class Next>
  void operator()(Value&& value, const RecordInfo& info, Next&&) {
    values_.push_back(std::forward<Value>(value));
    infos_.push_back(info);
  }
  void end_batch() {
    if (values_.empty()) return;
    to_->push(values_, infos_);
    values_.clear();
    infos_.clear();
  }
  template <class Next>
  void on_watermark(std::int64_t watermark_ms, Next&&) {
    end_batch();
    to_->watermark(watermark_ms);
  }
  void on_abort() {
    values_.clear();
    infos_.clear();
  }

 private:
  EdgeId<T> edge_;
  Edge<T>* to_ = nullptr;
  std::vector<T> values_;
  std::vector<RecordInfo> infos_;
};

}  // namespace millrace
