#pragma once

#include "millrace/framework/node.h"
#include "millrace/operators/window_board.h"

namespace millrace {

/// A window board that reads windowed deltas from a repartition topic: stages 2 and 3 of
/// distinct_count.
class WindowDeltaNode : public SourceNode, public WindowBoard {
 public:
  void open(TaskContext& context) override { WindowBoard::open(context); }
  std::size_t process(std::span<const RecordView> records, Arena& arena,
                      SourcePartition& source) override;
  void flush() override { WindowBoard::flush(); }
  void committed() override { WindowBoard::committed(); }
  void aborted() override { WindowBoard::aborted(); }
  void count_records(std::vector<std::uint64_t>& counts) const override {
    counts.insert(counts.end(), {deltas_, results()});
  }

 protected:
  explicit WindowDeltaNode(Options options) : WindowBoard(std::move(options)) {}
  /// Takes one delta in. kFailed: damaged or of another version.
  virtual Status apply(std::string_view payload) = 0;

 private:
  std::uint64_t deltas_ = 0;
};

}  // namespace millrace
