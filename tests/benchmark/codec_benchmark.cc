// How fast the codecs are: the same frames, of about 400 and 2,000 bytes, in each format; two
// fields bound, which stand anywhere. Bytes are those of the format; compare frames.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "millrace/apps/frames/frame_generator.h"
#include "millrace/apps/frames/frame_writer.h"
#include "millrace/framework/check.h"
#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/csv.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/codec/msgpack.h"

namespace millrace {
namespace {

constexpr int kFrames = 10'000;

struct Bound {
  std::int64_t ts = 0;
  std::string_view uid;
};

/// Frames in the format of `writer`, or as the generator writes them.
std::unique_ptr<RecordBatch> frames(std::uint32_t bytes,
                                    std::unique_ptr<FrameWriter> (*make)(const FrameOptions&)) {
  const FrameOptions options{.bytes = bytes};
  FrameGenerator generator(options);
  const std::unique_ptr<FrameWriter> writer = make == nullptr ? nullptr : make(options);
  auto batch = std::make_unique<RecordBatch>();
  std::string json, other;
  for (int i = 0; i < kFrames; ++i) {
    json.clear();
    other.clear();
    const Frame frame = generator.append_next(json);
    if (writer) writer->append(frame, generator.uid(frame.user), other);
    batch->append({}, writer ? other : json, i, 0);
  }
  return batch;
}

template <class Codec>
void decode(benchmark::State& state, Codec codec,
            std::unique_ptr<FrameWriter> (*writer)(const FrameOptions&)) {
  const auto batch = frames(static_cast<std::uint32_t>(state.range(0)), writer);
  Arena arena;
  Bound bound;
  for (auto _ : state) {
    for (const RecordView& record : batch->records()) {
      MILLRACE_CHECK(codec.decode(record, arena, bound).ok(), "the frames are good");
      benchmark::DoNotOptimize(bound);
    }
    arena.reset();
  }
  state.SetItemsProcessed(state.iterations() * kFrames);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch->bytes()));
}

const auto kTs = field("ts", &Bound::ts);
const auto kUid = field("uid", &Bound::uid);

void BM_Json(benchmark::State& state) { decode(state, json<Bound>(kTs, kUid), nullptr); }
void BM_Csv(benchmark::State& state) {
  decode(state, csv<Bound>({.header = std::string{kCsvFrameHeader}}, kTs, kUid), csv_frame_writer);
}
void BM_Msgpack(benchmark::State& state) {
  decode(state, msgpack<Bound>(kTs, kUid), msgpack_frame_writer);
}
BENCHMARK(BM_Json)->Arg(400)->Arg(2'000);
BENCHMARK(BM_Csv)->Arg(400)->Arg(2'000);
BENCHMARK(BM_Msgpack)->Arg(400)->Arg(2'000);

}  // namespace
}  // namespace millrace

BENCHMARK_MAIN();
