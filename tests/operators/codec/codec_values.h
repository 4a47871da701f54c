#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/field.h"
#include "millrace/tests/allocation_counter.h"

/// What the tests of json(), csv() and msgpack() bind.
namespace millrace::codec_test {

struct Frame {
  std::chrono::sys_seconds ts;
  std::string_view uid;
};

inline std::chrono::sys_seconds seconds(std::int64_t since_1970) {
  return std::chrono::sys_seconds{std::chrono::seconds{since_1970}};
}

/// One decoded record with the batch that its views point into.
template <class Codec>
struct Decoded {
  Decoded(Codec codec_, std::string_view text) : codec(std::move(codec_)) {
    batch.append({}, text, 0, 0);
    outcome = codec.decode(record(), batch.arena(), value);
  }
  const RecordView& record() const { return batch.records()[0]; }

  Codec codec;
  RecordBatch batch;
  typename Codec::value_type value{};
  DecodeOutcome outcome;
};

/// "ts uid", or the error and the field it names.
template <class AnyFrame>
std::string summary(const DecodeOutcome& outcome, const AnyFrame& frame) {
  if (outcome.ok())
    return std::to_string(frame.ts.time_since_epoch().count()) + " " + std::string{frame.uid};
  return std::string{to_string(outcome.error)} + (outcome.field.empty() ? "" : " ") +
         std::string{outcome.field};
}
template <class Codec>
std::string summary(const Codec& codec, std::string_view text) {
  const Decoded<Codec> frame{codec, text};
  return summary(frame.outcome, frame.value);
}

/// The summaries of the first `length` bytes of `whole`, with different things behind them.
template <class Codec>
std::vector<std::string> summaries_of_cut(Codec codec, const std::string& whole,
                                          std::size_t length) {
  std::vector<std::string> found;
  for (const std::string& behind :
       {whole.substr(length), std::string{"\"\",,"}, std::string{"5"}, std::string{"\xc1"}}) {
    const std::string padded = whole.substr(0, length) + behind + std::string(kRecordPadding, '9');
    RecordView record;
    record.value = std::string_view{padded}.substr(0, length);
    Arena arena;
    typename Codec::value_type value;
    const DecodeOutcome outcome = codec.decode(record, arena, value);
    found.push_back(summary(outcome, value));
  }
  return found;
}

struct Everything {
  std::string_view view;
  std::string text;
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  double number = 0;
  bool flag = false;
  std::chrono::sys_seconds at;
  std::chrono::sys_time<std::chrono::milliseconds> at_ms;
  std::optional<std::string_view> maybe_view;
  std::optional<int> maybe_int;

  bool operator==(const Everything&) const = default;
};

/// The codec that `make` makes of all fields of Everything.
template <class Make>
auto bind_everything(Make make) {
  using E = Everything;
  return make(field("view", &E::view), field("text", &E::text), field("i8", &E::i8),
              field("u8", &E::u8), field("i64", &E::i64), field("u64", &E::u64),
              field("number", &E::number), field("flag", &E::flag), field("at", &E::at),
              field("at_ms", &E::at_ms), field("maybe_view", &E::maybe_view),
              field("maybe_int", &E::maybe_int));
}

inline Everything extremes() {
  return {"v\"\n",
          "звал",
          std::numeric_limits<std::int8_t>::min(),
          std::numeric_limits<std::uint8_t>::max(),
          std::numeric_limits<std::int64_t>::min(),
          std::numeric_limits<std::uint64_t>::max(),
          -0.1,
          true,
          seconds(253'402'300'799),
          std::chrono::sys_time<std::chrono::milliseconds>{
              std::chrono::milliseconds{253'402'300'799'999}},
          "there",
          -7};
}

template <class M>
struct One {
  M member{};
};

struct Partial {
  std::string_view uid;
  std::optional<int> level = 99;
};

/// Decodes the batch twice with `codec` and twice strictly. In the first pass `good` records are
/// good, in the second nothing may be allocated.
template <class Codec>
void expect_no_allocation(Codec codec, const RecordBatch& batch, int good) {
  Arena arena;
  Codec whole = codec.strict();
  typename Codec::value_type value;
  int found = 0;
  const auto pass = [&] {
    for (const RecordView& record : batch.records()) {
      found += codec.decode(record, arena, value).ok() ? 1 : 0;
      whole.decode(record, arena, value);
    }
    arena.reset();
  };
  pass();
  EXPECT_EQ(found, good);
  const std::uint64_t before = allocations();
  pass();
  EXPECT_EQ(allocations(), before);
  // The counter would have seen one.
  const auto seen = std::make_unique<std::string>(100, 'x');
  EXPECT_GT(allocations(), before);
}

}  // namespace millrace::codec_test
