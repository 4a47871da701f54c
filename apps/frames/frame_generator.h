#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/apps/frames/field_pool.h"
#include "millrace/apps/program/split_mix.h"
#include "millrace/framework/status.h"

namespace millrace {

/// What the frames are to be like. The defaults give clean frames in order.
struct FrameOptions {
  std::uint64_t seed = 1;
  std::uint32_t users = 10'000;  ///< each frame's user is drawn uniformly from so many
  std::uint32_t rate =
      1'000;  ///< frames per second of event time: `ts` rises by one each so many frames
  std::int64_t start_s = 1'468'244'384;  ///< `ts` of the first frame, Unix seconds
  std::uint32_t bytes =
      2'000;                ///< mean length of a frame, about; a frame has at least its two fields
  double late_percent = 0;  ///< frames whose `ts` is 1 s to max_delay earlier
  std::chrono::seconds max_delay{5};
  double flip_percent = 0;    ///< frames whose `ts` has one bit flipped, at least kFlipFloor_s away
  double broken_percent = 0;  ///< frames that are none, one way after the other (see BrokenKind)
  bool crlf = false;          ///< lines end in CR LF

  static constexpr std::uint32_t kMaxBytes = 16 << 20;

  /// kInvalid names the option, its value and its range.
  Status validate() const;
};

enum class FrameKind { kInOrder, kLate, kFlipped, kBroken };

/// The ways in which a frame is broken, in the order in which they take turns.
enum class BrokenKind {
  kCutShort,  ///< ends before the second of its two fields
  kText,      ///< not JSON
  kNoTs,
  kNullUid,
  kFractionalTs,
  kEmptyLine,
  kInvalidUtf8,  ///< in uid
  kNotAnObject,  ///< JSON, but an array
  kNoUid,
  kNullTs,
  kNumericUid,
  kNegativeTs,
  kWordyTs,  ///< a string that is no number
  kObjectUid,
};
inline constexpr std::uint32_t kBrokenKinds = 14;

/// What a generated line says, for reference counts and for other formats. `ts` is what stands in
/// it, late or flipped; neither it nor `user` counts in a broken one.
struct Frame {
  FrameKind kind = FrameKind::kInOrder;
  std::int64_t ts = 0;
  std::uint32_t user = 0;
  BrokenKind broken = BrokenKind::kCutShort;  ///< of a broken one
};

/// Writes an endless sequence of frames: lines of JSON, each with `ts` (Unix seconds, as number or
/// as string) and `uid` (with and without escapes, the same user in both spellings) somewhere among
/// decoys. The sequence depends on the options alone, on any machine. Not thread-safe.
class FrameGenerator {
 public:
  /// REQUIRES: options.validate() is OK.
  explicit FrameGenerator(const FrameOptions& options);

  /// Appends the next line, line end included.
  Frame append_next(std::string& out);
  /// The user's uid as a parser reads it: UTF-8, no escapes. Differs from user to user and from
  /// seed to seed.
  std::string uid(std::uint32_t user) const;

  static constexpr std::int64_t kFlipFloor_s = 8'192;  ///< beyond any sensible guard and lateness

 private:
  FrameKind draw_kind();
  void set_ts_field(std::string_view value);
  void set_uid_field(std::uint32_t user);
  std::size_t append_object(std::string& out);
  void append_broken(std::string& out, const Frame& frame);

  const FrameOptions options_;
  SplitMix random_;
  const FieldPool pool_;
  std::uint64_t broken_below_ = 0;  // a draw of 32 bits below this is broken, else ...
  std::uint64_t flipped_below_ = 0;
  std::uint64_t late_below_ = 0;
  std::int64_t now_s_;
  std::uint32_t frames_in_second_ = 0;
  std::uint32_t next_broken_ = 0;
  std::string ts_field_;  // the two fields of the frame in the making; empty: absent
  std::string uid_field_;
};

}  // namespace millrace
