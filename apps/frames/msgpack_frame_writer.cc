#include <fmt/format.h>

#include <array>
#include <vector>

#include "millrace/apps/frames/frame_shape.h"
#include "millrace/apps/frames/frame_writer.h"
#include "millrace/operators/codec/msgpack_writer.h"

namespace millrace {
namespace {

constexpr std::uint32_t kFillers = 512;
constexpr int kMaxDepth = 4;
constexpr std::array<std::string_view, 12> kKeys = {"session", "page", "referrer", "agent",
                                                    "country", "tags", "ключ",     "Ts",
                                                    "uids",    "ui",   "na\"me",   ""};

void append_value(std::string& out, SplitMix& random, int depth);

/// Pairs whose keys imitate the frame's.
void append_decoy_map(std::string& out, SplitMix& random, int depth) {
  MsgpackWriter writer{out};
  writer.map(3).key("ts").integer(random.below(100)).key("uid").string("decoy").key("uid");
  append_value(out, random, depth + 1);
}

void append_scalar(std::string& out, SplitMix& random) {
  MsgpackWriter writer{out};
  switch (random.below(7)) {
    case 0:
      writer.nil();
      return;
    case 1:
      writer.boolean(random.one_in(2));
      return;
    case 2:
      writer.number(random.below(1000) / 8.0);
      return;
    case 3:
      writer.integer(-static_cast<std::int64_t>(random.next() >> (1 + random.below(63))));
      return;
    case 4:
      writer.bytes("\x81\xa2ts\x01");
      return;
    case 5:
      out += "\xd6\xff\x57\x83\xa4\x20";  // a timestamp, which is an extension
      return;
    default:
      writer.integer(random.next() >> random.below(64));
  }
}

void append_value(std::string& out, SplitMix& random, int depth) {
  const std::uint32_t kind = depth < kMaxDepth ? random.below(10) : random.below(7);
  MsgpackWriter writer{out};
  if (kind < 5) {
    writer.string(draw_decoy_text(random));
  } else if (kind < 7) {
    append_scalar(out, random);
  } else if (kind < 9) {
    append_decoy_map(out, random, depth);
  } else {
    const std::uint32_t size = random.below(20);
    writer.array(size);
    for (std::uint32_t i = 0; i < size; ++i) append_scalar(out, random);
  }
}

class MsgpackFrameWriter final : public FrameWriter {
 public:
  explicit MsgpackFrameWriter(const FrameOptions& options)
      : options_(options), random_(SplitMix::mix(options.seed + 2)), fillers_(kFillers) {
    for (std::string& filler : fillers_) {
      MsgpackWriter writer{filler};
      if (random_.one_in(16)) {
        writer.integer(random_.below(1000));  // a key need not be text
      } else {
        writer.key(kKeys[random_.below(kKeys.size())]);
      }
      append_value(filler, random_, 0);
    }
  }

  void append(const Frame& frame, std::string_view uid, std::string& out) override {
    set_ts(frame.ts);
    set_uid(uid);
    if (frame.kind == FrameKind::kBroken) {
      append_broken(frame, uid, out);
    } else {
      append_map(out);
    }
  }

 private:
  /// A pair whose value the writer then takes; as text, or in a longer form, now and then.
  MsgpackWriter begin(std::string& pair, std::string_view key) {
    pair.clear();
    MsgpackWriter writer{pair};
    writer.key(key);
    return writer;
  }
  void set_ts(std::int64_t ts) {
    MsgpackWriter writer = begin(ts_, "ts");
    if (random_.one_in(4)) {
      writer.string(std::to_string(ts));
    } else if (random_.one_in(4)) {
      append_big_endian(ts_, random_.one_in(2) ? '\xcf' : '\xd3', static_cast<std::uint64_t>(ts),
                        8);
    } else {
      writer.integer(ts);
    }
  }
  void set_uid(std::string_view uid) {
    MsgpackWriter writer = begin(uid_, "uid");
    if (random_.one_in(8)) {
      append_big_endian(uid_, '\xdb', uid.size(), 4);
      uid_ += uid;
    } else {
      writer.string(uid);
    }
  }
  static void append_big_endian(std::string& out, char type, std::uint64_t number, int bytes) {
    out += type;
    while (bytes > 0) out += static_cast<char>(number >> 8 * --bytes & 0xff);
  }

  /// Appends a map with the two fields at random places; returns where in `out` the second of them
  /// begins.
  std::size_t append_map(std::string& out) {
    const FrameShape shape = draw_frame_shape(options_.bytes, random_);
    std::uint32_t pairs = 0;
    body_.clear();
    const auto add = [&](std::string_view pair) {
      pairs += pair.empty() ? 0 : 1;
      body_ += pair;
    };
    const auto fill = [&](std::uint32_t length) {
      while (body_.size() < length) add(fillers_[random_.below(kFillers)]);
    };
    fill(shape.first_at);
    add(shape.ts_first ? ts_ : uid_);
    fill(shape.second_at);
    const std::size_t second_begin = body_.size();
    add(shape.ts_first ? uid_ : ts_);
    fill(shape.length);
    MsgpackWriter{out}.map(pairs);
    out += body_;
    return out.size() - body_.size() + second_begin;
  }

  void append_broken(const Frame& frame, std::string_view uid, std::string& out) {
    switch (frame.broken) {
      case BrokenKind::kCutShort: {
        std::string whole;
        const std::size_t longest = append_map(whole);
        whole.resize(1 + random_.below(static_cast<std::uint32_t>(longest)));
        MsgpackWriter{out}.bytes(whole);
        return;
      }
      case BrokenKind::kText:
        MsgpackWriter{out}.string(
            fmt::format("127.0.0.1 - - [{}] \"GET /{} HTTP/1.1\" 200", frame.ts, frame.user));
        return;
      case BrokenKind::kEmptyLine:
        MsgpackWriter{out}.nil();
        return;
      case BrokenKind::kNotAnObject:
        MsgpackWriter{out}.array(1);
        break;
      case BrokenKind::kNoTs:
        ts_.clear();
        break;
      case BrokenKind::kNoUid:
        uid_.clear();
        break;
      case BrokenKind::kNullTs:
        begin(ts_, "ts").nil();
        break;
      case BrokenKind::kNullUid:
        begin(uid_, "uid").nil();
        break;
      case BrokenKind::kFractionalTs:
        begin(ts_, "ts").number(static_cast<double>(frame.ts) + 0.5);
        break;
      case BrokenKind::kNegativeTs:
        begin(ts_, "ts").integer(-frame.ts);
        break;
      case BrokenKind::kWordyTs:
        begin(ts_, "ts").string("yesterday");
        break;
      case BrokenKind::kNumericUid:
        begin(uid_, "uid").integer(frame.user);
        break;
      case BrokenKind::kObjectUid:
        begin(uid_, "uid").map(1).key("uid").string("nested");
        break;
      case BrokenKind::kInvalidUtf8:
        begin(uid_, "uid").string(fmt::format("{}\xc3\x28\xff", uid));
        break;
    }
    append_map(out);
  }

  const FrameOptions options_;
  SplitMix random_;
  std::vector<std::string> fillers_;  // pairs
  std::string ts_;                    // the pairs of the frame in the making; empty: absent
  std::string uid_;
  std::string body_;
};

}  // namespace

std::unique_ptr<FrameWriter> msgpack_frame_writer(const FrameOptions& options) {
  return std::make_unique<MsgpackFrameWriter>(options);
}

}  // namespace millrace
