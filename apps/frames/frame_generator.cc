#include "millrace/apps/frames/frame_generator.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>

#include "millrace/apps/frames/frame_shape.h"
#include "millrace/framework/check.h"

namespace millrace {
namespace {

constexpr std::int64_t kMinStart_s = 86'400;  // no frame may be so late that its ts is negative
constexpr std::int64_t kMaxStart_s = 4'000'000'000;  // with room for a flipped bit below 2^33
constexpr std::uint32_t kLowestFlip =
    std::countr_zero(static_cast<std::uint64_t>(FrameGenerator::kFlipFloor_s));
constexpr std::uint32_t kFlips = 32 - kLowestFlip;  // bits 13 to 31

/// The beginning of some users' uids: what it is, how it is usually written in JSON, and how it may
/// be.
struct Prefix {
  std::string_view text;
  std::string_view json;
  std::string_view escaped;
};

constexpr std::array<Prefix, 8> kPrefixes = {{
    {"дмитрий-", "дмитрий-", R"(\u0434\u043c\u0438\u0442\u0440\u0438\u0439-)"},
    {"王小明-", "王小明-", R"(\u738b\u5c0f\u660e-)"},
    {"🚀", "🚀", R"(\ud83d\ude80)"},
    {"José.", "José.", R"(\u004aos\u00e9.)"},
    {"a\"b\\", R"(a\"b\\)", R"(\u0061\u0022b\u005C)"},
    {"x/y\t", R"(x\/y\t)", R"(x/y\u0009)"},
    {"مستخدم-", "مستخدم-", R"(\u0645\u0633\u062a\u062e\u062f\u0645-)"},
    {"uid\":", R"(uid\":)", R"(u\u0069d\u0022:)"},
}};

// One user in sixteen has a prefix, so that most uids are plain, as they are in life.
const Prefix* prefix_of(std::uint64_t user_hash) {
  return (user_hash & 15) == 0 ? &kPrefixes[(user_hash >> 4) % kPrefixes.size()] : nullptr;
}

// A bijection for a given seed: no two users share a hash.
std::uint64_t hash_of(std::uint64_t seed, std::uint32_t user) {
  return SplitMix::mix(user ^ SplitMix::mix(seed));
}

std::array<char, 16> hex_of(std::uint64_t number) {
  std::array<char, 16> digits;
  for (char& digit : digits) {
    digit = "0123456789abcdef"[number >> 60];
    number <<= 4;
  }
  return digits;
}

std::string_view view(const std::array<char, 16>& digits) { return {digits.data(), digits.size()}; }

std::uint64_t share_of_32_bits(double percent) {
  return static_cast<std::uint64_t>(percent / 100 * 4294967296.0);
}

Status check_range(std::string_view name, double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return {};
  return Status::invalid(
      fmt::format("{} is {}: it must be between {} and {}", name, value, lowest, highest));
}

}  // namespace

Status FrameOptions::validate() const {
  MILLRACE_RETURN_IF_ERROR(check_range("users", users, 1, 4294967295.0));
  MILLRACE_RETURN_IF_ERROR(check_range("rate", rate, 1, 4294967295.0));
  MILLRACE_RETURN_IF_ERROR(check_range("bytes", bytes, 1, kMaxBytes));
  MILLRACE_RETURN_IF_ERROR(
      check_range("start", static_cast<double>(start_s), kMinStart_s, kMaxStart_s));
  MILLRACE_RETURN_IF_ERROR(check_range("late-percent", late_percent, 0, 100));
  MILLRACE_RETURN_IF_ERROR(check_range("flip-percent", flip_percent, 0, 100));
  MILLRACE_RETURN_IF_ERROR(check_range("broken-percent", broken_percent, 0, 100));
  MILLRACE_RETURN_IF_ERROR(check_range("late-percent, flip-percent and broken-percent together",
                                       late_percent + flip_percent + broken_percent, 0, 100));
  return check_range("max-delay in seconds", static_cast<double>(max_delay.count()), 1, 86'400);
}

FrameGenerator::FrameGenerator(const FrameOptions& options)
    : options_(options),
      random_(SplitMix::mix(options.seed)),
      pool_(SplitMix(SplitMix::mix(~options.seed))),
      broken_below_(share_of_32_bits(options.broken_percent)),
      flipped_below_(broken_below_ + share_of_32_bits(options.flip_percent)),
      late_below_(flipped_below_ + share_of_32_bits(options.late_percent)),
      now_s_(options.start_s) {
  MILLRACE_CHECK(options.validate().ok(), "frame options must be validated first");
}

FrameKind FrameGenerator::draw_kind() {
  const std::uint64_t draw = random_.next() >> 32;
  if (draw < broken_below_) return FrameKind::kBroken;
  if (draw < flipped_below_) return FrameKind::kFlipped;
  if (draw < late_below_) return FrameKind::kLate;
  return FrameKind::kInOrder;
}

Frame FrameGenerator::append_next(std::string& out) {
  Frame frame{.kind = draw_kind(), .ts = now_s_, .user = random_.below(options_.users)};
  if (frame.kind == FrameKind::kLate) {
    frame.ts -= 1 + random_.below(static_cast<std::uint32_t>(options_.max_delay.count()));
  } else if (frame.kind == FrameKind::kFlipped) {
    frame.ts ^= std::int64_t{1} << (kLowestFlip + random_.below(kFlips));
  }

  char digits[20];
  set_ts_field({digits, std::to_chars(digits, digits + sizeof(digits), frame.ts).ptr});
  set_uid_field(frame.user);
  if (frame.kind == FrameKind::kBroken) {
    frame.broken = static_cast<BrokenKind>(next_broken_);
    next_broken_ = (next_broken_ + 1) % kBrokenKinds;
    append_broken(out, frame);
  } else {
    append_object(out);
  }
  out += options_.crlf ? "\r\n" : "\n";

  if (++frames_in_second_ == options_.rate) {
    frames_in_second_ = 0;
    ++now_s_;
  }
  return frame;
}

void FrameGenerator::set_ts_field(std::string_view value) {
  const bool quoted = random_.one_in(4);
  ts_field_ = random_.one_in(4) ? "\"ts\" : " : "\"ts\":";
  if (quoted) ts_field_ += '"';
  ts_field_ += value;
  if (quoted) ts_field_ += '"';
}

void FrameGenerator::set_uid_field(std::uint32_t user) {
  const std::uint64_t hash = hash_of(options_.seed, user);
  const std::array<char, 16> digits = hex_of(hash);
  const bool escaped = random_.one_in(8);
  uid_field_ = random_.one_in(4) ? "\"uid\": \"" : "\"uid\":\"";
  if (const Prefix* prefix = prefix_of(hash))
    uid_field_ += escaped ? prefix->escaped : prefix->json;
  if (escaped) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    const auto first = static_cast<unsigned char>(digits[0]);
    uid_field_ += "\\u00";
    uid_field_ += kHex[first >> 4];
    uid_field_ += kHex[first & 15];
    uid_field_ += view(digits).substr(1);
  } else {
    uid_field_ += view(digits);
  }
  uid_field_ += '"';
}

std::string FrameGenerator::uid(std::uint32_t user) const {
  const std::uint64_t hash = hash_of(options_.seed, user);
  const Prefix* const prefix = prefix_of(hash);
  std::string text(prefix != nullptr ? prefix->text : std::string_view{});
  text += view(hex_of(hash));
  return text;
}

/// Appends an object with the two fields at random places; returns where in `out` the second of
/// them begins.
std::size_t FrameGenerator::append_object(std::string& out) {
  const std::size_t begin = out.size();
  const auto add = [&](std::string_view field) {
    if (field.empty()) return;
    if (out.size() > begin + 1) out += ',';
    out += field;
  };
  const auto fill = [&](std::uint32_t length) {
    while (out.size() - begin < length) add(pool_.pick(random_));
  };

  const FrameShape shape = draw_frame_shape(options_.bytes, random_);
  out += '{';
  fill(shape.first_at);
  add(shape.ts_first ? ts_field_ : uid_field_);
  fill(shape.second_at);
  const std::size_t second_begin = out.size();
  add(shape.ts_first ? uid_field_ : ts_field_);
  fill(shape.length);
  out += '}';
  return second_begin;
}

void FrameGenerator::append_broken(std::string& out, const Frame& frame) {
  const std::size_t begin = out.size();
  switch (frame.broken) {
    case BrokenKind::kCutShort: {
      const std::size_t longest = append_object(out) - begin;
      out.resize(begin + 1 + random_.below(static_cast<std::uint32_t>(longest)));
      return;
    }
    case BrokenKind::kText:
      out += fmt::format("127.0.0.1 - - [{}] \"GET /{} HTTP/1.1\" 200", frame.ts, frame.user);
      return;
    case BrokenKind::kEmptyLine:
      return;
    case BrokenKind::kNotAnObject:
      out += '[';
      append_object(out);
      out += ']';
      return;
    case BrokenKind::kNoTs:
      ts_field_.clear();
      break;
    case BrokenKind::kNoUid:
      uid_field_.clear();
      break;
    case BrokenKind::kNullTs:
      ts_field_ = "\"ts\":null";
      break;
    case BrokenKind::kNullUid:
      uid_field_ = "\"uid\":null";
      break;
    case BrokenKind::kFractionalTs:
      ts_field_ = fmt::format("\"ts\":{}.5", frame.ts);
      break;
    case BrokenKind::kNegativeTs:
      ts_field_ = fmt::format("\"ts\":-{}", frame.ts);
      break;
    case BrokenKind::kWordyTs:
      ts_field_ = "\"ts\":\"yesterday\"";
      break;
    case BrokenKind::kNumericUid:
      uid_field_ = fmt::format("\"uid\":{}", frame.user);
      break;
    case BrokenKind::kObjectUid:
      uid_field_ = "\"uid\":{\"uid\":\"nested\"}";
      break;
    case BrokenKind::kInvalidUtf8:
      uid_field_.insert(uid_field_.size() - 1, "\xc3\x28\xff");
      break;
  }
  append_object(out);
}

}  // namespace millrace
