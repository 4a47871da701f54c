#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/apps/frames/frame_generator.h"
#include "millrace/apps/frames/frame_writer.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/options.h"
#include "millrace/apps/program/progress.h"
#include "millrace/apps/program/terminal.h"
#include "millrace/framework/clock.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

// Handed to the system at once: enough that the call does not matter, little enough for the cache.
constexpr std::size_t kWriteBytes = 256 * 1024;
constexpr double kMax32Bits = 4294967295.0;

struct Arguments {
  std::int64_t count = 0;
  std::int64_t users = FrameOptions{}.users;
  std::int64_t rate = FrameOptions{}.rate;
  std::int64_t bytes = FrameOptions{}.bytes;
  std::chrono::milliseconds max_delay = FrameOptions{}.max_delay;
  std::string format = "json";
  FrameOptions frames;  // the rest
};

void declare(Options& options, Arguments& line) {
  options.heading("Amount");
  options.add("count", line.count, "frames to write").range(1, 1e15).required();
  options.add_bytes("bytes", line.bytes, "mean length of a frame, about")
      .range(1, FrameOptions::kMaxBytes);
  options.heading("Content");
  options
      .add("format", line.format,
           "json: an object a line; csv: a line of the columns " + std::string{kCsvFrameHeader} +
               "; msgpack: maps, one behind the other, for millrace load --format msgpack")
      .one_of({"json", "csv", "msgpack"});
  options.add("users", line.users, "users; each frame's is drawn from them, all equally likely")
      .range(1, kMax32Bits);
  options
      .add("rate", line.rate,
           "frames per second of event time: ts rises by one each so many frames; nothing waits")
      .range(1, kMax32Bits);
  options.add("seed", line.frames.seed,
              "the same seed gives the same bytes, another one other users");
  options.add("start", line.frames.start_s, "ts of the first frame").value_name("UNIX_S");
  options.heading("Trouble (percent of the frames)");
  options
      .add("late-percent", line.frames.late_percent, "frames whose ts is up to --max-delay earlier")
      .range(0, 100);
  options.add("max-delay", line.max_delay, "how late at most, in whole seconds").range(1s, 24h);
  options
      .add("flip-percent", line.frames.flip_percent,
           "frames whose ts has one bit flipped, hours to decades away")
      .range(0, 100);
  options
      .add("broken-percent", line.frames.broken_percent,
           "lines that are no frames: cut, not JSON, a field missing or of the wrong type, empty, "
           "invalid UTF-8")
      .range(0, 100);
  options.add("crlf", line.frames.crlf, "end lines in CR LF");
}

Result<FrameOptions> frame_options(const Arguments& line) {
  FrameOptions frames = line.frames;
  frames.users = static_cast<std::uint32_t>(line.users);
  frames.rate = static_cast<std::uint32_t>(line.rate);
  frames.bytes = static_cast<std::uint32_t>(line.bytes);
  frames.max_delay = std::chrono::duration_cast<std::chrono::seconds>(line.max_delay);
  if (frames.max_delay != line.max_delay)
    return Status::invalid(fmt::format("max-delay is {} ms: it must be whole seconds, as ts is",
                                       line.max_delay.count()));
  if (frames.crlf && line.format == "msgpack")
    return Status::invalid("--crlf ends lines, and MessagePack has none: leave it out");
  MILLRACE_RETURN_IF_ERROR(frames.validate());
  return frames;
}

Status write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return Status::failed(
          fmt::format("cannot write to standard output: {}", std::strerror(errno)));
    }
  }
  return {};
}

/// Null for JSON, which the generator itself writes.
std::unique_ptr<FrameWriter> frame_writer(const std::string& format, const FrameOptions& options) {
  if (format == "csv") return csv_frame_writer(options);
  if (format == "msgpack") return msgpack_frame_writer(options);
  return nullptr;
}

/// Draws frames and appends each in the format asked for.
class FrameSource {
 public:
  FrameSource(const FrameOptions& options, const std::string& format)
      : generator_(options), writer_(frame_writer(format, options)) {}

  void append_next(std::string& out) {
    if (!writer_) {
      generator_.append_next(out);
      return;
    }
    json_.clear();
    const Frame frame = generator_.append_next(json_);
    writer_->append(frame, generator_.uid(frame.user), out);
  }

 private:
  FrameGenerator generator_;
  const std::unique_ptr<FrameWriter> writer_;
  std::string json_;  // of a frame that is written in another format
};

Status write_frames(const FrameOptions& options, const std::string& format, std::int64_t count) {
  FrameSource source(options, format);
  Terminal terminal;
  const SystemClock clock;
  Progress progress(
      terminal, clock,
      {.task = "frames", .unit = "frames", .total_bytes = {}, .total_records = count});
  std::string lines;
  std::int64_t written = 0;
  for (std::int64_t done = 1; done <= count; ++done) {
    source.append_next(lines);
    if (lines.size() < kWriteBytes && done < count) continue;
    MILLRACE_RETURN_IF_ERROR(write_all(lines));
    written += static_cast<std::int64_t>(lines.size());
    lines.clear();
    progress.update(done, written);
  }
  return {};
}

int run(int argc, char** argv) {
  Arguments line;
  Options options(
      {"frames",
       kVersion,
       "Writes frames to standard output, as JSON lines by default; the same bytes for the same "
       "options.",
       {{"frames --count 1000000 --users 20000 > frames.jsonl", "a million frames of 20,000 users"},
        {"frames --count 100000 --late-percent 5 --broken-percent 1 | unique_users --from - "
         "--output -",
         "counts the users of frames as life sends them"},
        {"frames --count 100000 --format csv | unique_users --from - --format csv --csv-header " +
             std::string{kCsvFrameHeader} + " --output -",
         "the same of CSV"}}});
  declare(options, line);
  if (const std::optional<int> code = options.parse_main(argc, argv)) return *code;
  const Result<FrameOptions> frames = frame_options(line);
  if (!frames.ok()) return report("frames", frames.status());
  return report("frames", write_frames(*frames, line.format, line.count));
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::run(argc, argv); }
