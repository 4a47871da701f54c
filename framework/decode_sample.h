#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "millrace/framework/clock.h"
#include "millrace/framework/codec.h"
#include "millrace/framework/node_work.h"

namespace millrace {

/// Tells how much of the time decoding takes, without a look at the clock for each record: of a
/// sample of batches all records are decoded before the first is processed. One thread.
template <DecodingCodec Codec>
class DecodeSample {
 public:
  /// One batch in so many, the first included.
  static constexpr std::uint64_t kEvery = 256;

  struct Decoded {
    typename Codec::value_type value{};
    DecodeOutcome outcome;
  };

  /// True if this batch is in the sample: it is decoded, record by record as in `records`. `offset`
  /// becomes that of the record under work, so that an exception is blamed on it.
  bool begin(Codec& codec, std::span<const RecordView> records, Arena& arena, const Clock& clock,
             std::int64_t& offset) {
    if (batches_++ % kEvery != 0) return false;
    began_ns_ = clock.monotonic_ns();
    decoded_.clear();
    decoded_.resize(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      offset = records[i].offset;
      decoded_[i].outcome = codec.decode(records[i], arena, decoded_[i].value);
    }
    decoding_ns_ = clock.monotonic_ns() - began_ns_;
    return true;
  }
  Decoded& operator[](std::size_t index) { return decoded_[index]; }
  /// The batch that begin() took is through. (One that threw comes again: it counts then.)
  void end(const Clock& clock, NodeWork& work) {
    work.sampled_decoding_ns += decoding_ns_;
    work.sampled_ns += clock.monotonic_ns() - began_ns_;
    decoded_.clear();
  }

 private:
  std::uint64_t batches_ = 0;
  std::int64_t began_ns_ = 0;
  std::int64_t decoding_ns_ = 0;
  std::vector<Decoded> decoded_;
};

}  // namespace millrace
