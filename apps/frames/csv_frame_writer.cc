#include <fmt/format.h>

#include "millrace/apps/frames/frame_shape.h"
#include "millrace/apps/frames/frame_writer.h"
#include "millrace/operators/codec/csv_writer.h"

namespace millrace {
namespace {

class CsvFrameWriter final : public FrameWriter {
 public:
  explicit CsvFrameWriter(const FrameOptions& options)
      : options_(options), random_(SplitMix::mix(options.seed + 1)) {}

  void append(const Frame& frame, std::string_view uid, std::string& out) override {
    set_fields(frame, uid);
    if (frame.kind == FrameKind::kBroken) {
      append_broken(frame, uid, out);
    } else {
      append_row(out, Columns::kAll);
    }
    out += options_.crlf ? "\r\n" : "\n";
  }

 private:
  enum class Columns { kAll, kNoTs, kUpToUid };

  void set_fields(const Frame& frame, std::string_view uid) {
    ts_ = random_.one_in(4) ? fmt::format("\"{}\"", frame.ts) : std::to_string(frame.ts);
    set_uid(uid);
  }
  /// With quotes where it needs them, and sometimes where it does not.
  void set_uid(std::string_view uid) {
    uid_.clear();
    CsvWriter{uid_, ','}.string(uid);
    if (uid_.front() != '"' && random_.one_in(4)) uid_ = fmt::format("\"{}\"", uid_);
  }
  /// A column that makes the row `length` bytes long, about, counted from `begin`.
  void fill(std::string& out, std::size_t begin, std::uint32_t length) {
    filler_.clear();
    while (out.size() - begin + filler_.size() < length) filler_ += draw_decoy_text(random_);
    if (!filler_.empty()) CsvWriter{out, ','}.string(filler_);
  }
  /// Returns where in `out` the column of uid begins.
  std::size_t append_row(std::string& out, Columns columns) {
    const std::size_t begin = out.size();
    const FrameShape shape = draw_frame_shape(options_.bytes, random_);
    fill(out, begin, shape.first_at);
    out += ',';
    if (columns != Columns::kNoTs) (out += ts_) += ',';
    fill(out, begin, shape.second_at);
    if (columns == Columns::kUpToUid) return out.size();
    out += ',';
    const std::size_t uid_begin = out.size();
    (out += uid_) += ',';
    fill(out, begin, shape.length);
    return uid_begin;
  }

  void append_broken(const Frame& frame, std::string_view uid, std::string& out) {
    const std::size_t begin = out.size();
    Columns columns = Columns::kAll;
    switch (frame.broken) {
      case BrokenKind::kCutShort: {
        const std::size_t longest = append_row(out, columns) - begin;
        out.resize(begin + 1 + random_.below(static_cast<std::uint32_t>(longest)));
        return;
      }
      case BrokenKind::kText:
        out += fmt::format("127.0.0.1 - - [{}] \"GET /{} HTTP/1.1\" 200", frame.ts, frame.user);
        return;
      case BrokenKind::kEmptyLine:
        return;
      case BrokenKind::kNotAnObject:
        out += fmt::format(R"({{"ts":{},"uid":"{}"}})", frame.ts, frame.user);
        return;
      case BrokenKind::kNoTs:
        columns = Columns::kNoTs;
        break;
      case BrokenKind::kNoUid:
        columns = Columns::kUpToUid;
        break;
      case BrokenKind::kNullTs:
        ts_.clear();
        break;
      case BrokenKind::kNullUid:
        uid_.clear();
        break;
      case BrokenKind::kFractionalTs:
        ts_ = fmt::format("{}.5", frame.ts);
        break;
      case BrokenKind::kNegativeTs:
        ts_ = fmt::format("-{}", frame.ts);
        break;
      case BrokenKind::kWordyTs:
        ts_ = "yesterday";
        break;
      case BrokenKind::kNumericUid:
        uid_ = fmt::format("\"{}\"7", frame.user);
        break;
      case BrokenKind::kObjectUid:
        uid_ = R"({"uid":"nested"})";
        break;
      case BrokenKind::kInvalidUtf8:
        set_uid(fmt::format("{}\xc3\x28\xff", uid));
        break;
    }
    append_row(out, columns);
  }

  const FrameOptions options_;
  SplitMix random_;
  std::string ts_;  // the columns of the frame in the making, as they are written
  std::string uid_;
  std::string filler_;
};

}  // namespace

std::unique_ptr<FrameWriter> csv_frame_writer(const FrameOptions& options) {
  return std::make_unique<CsvFrameWriter>(options);
}

}  // namespace millrace
