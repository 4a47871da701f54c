#include "millrace/apps/program/run_program.h"
#include "millrace/apps/unique_users/topology.h"
#include "millrace/framework/application_config.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;

class UniqueUsers final : public StreamProgram {
 public:
  void declare(Options& options) override {
    options.heading("Input and output");
    options
        .add("input", options_.input, "topic of frames with ts (Unix seconds) and uid in the root")
        .value_name("TOPIC");
    options.add("format", format_, "of the frames; msgpack is MessagePack, from topics only")
        .one_of({"json", "csv", "msgpack"});
    options
        .add("csv-header", options_.csv_header,
             "names of the columns of a CSV frame, with ts and uid among them")
        .value_name("NAME,...");
    options
        .add(
            "output", options_.output,
            "topic of results, one JSON object a window; with --from, a file, - is standard output")
        .value_name("TOPIC");

    options.heading("Windows and time");
    options
        .add("window", windows_,
             "length (60s, 1m, 10m, 1h) or day, week, month, year in UTC; repeat it for several in "
             "one run")
        .value_name("WINDOW")
        .default_text("1m");
    options
        .add("lateness", options_.lateness,
             "how late a frame may come behind the latest of its partition")
        .range(0ms, kYear);
    options
        .add("grace", options_.grace, "how long a window stays open after its end, in event time")
        .range(0ms, kYear);
    options
        .add("idle-after", idle_after_,
             "a partition without frames holds the others back no longer than this")
        .range(1ms, kYear);
    options.add("jump-guard", options_.jump_guard,
                "a frame this far ahead of its partition waits for others to confirm it; or off");
    options.add(
        "max-drift", max_drift_,
        "a partition is not read further ahead of the slowest than this, in event time; or off");

    options.heading("Counting");
    options.add("exact", exact_,
                "count exactly (the default): 16 bytes and more per user and window");
    options
        .add("sketch", precision_,
             "estimate instead, by an UltraLogLog of 2^P bytes per window; 12: about 1.2 % error")
        .range(3, 18)
        .value_name("P")
        .default_text("off");
    options.add("emit-sketch", emit_sketch_,
                "put the sketch into the results, in base64, for others to merge");
    options
        .add("shards", options_.shards,
             "tasks that share the users; fixed when the application first starts")
        .range(1, 1000);
    options.add("update-every", update_every_, "also show open windows this often, as not final")
        .default_text("off");
  }

  Files files(const StreamOptions& stream) const override {
    return {.inputs = {{options_.input, stream.from}},
            .outputs = {{UniqueUsersOptions{}.output, options_.output}}};
  }

  Result<Topology> topology(const StreamOptions& stream) const override {
    UniqueUsersOptions options = options_;
    if (!stream.from.empty())
      options.output = UniqueUsersOptions{}.output;  // options_.output is a file
    if (format_ == "csv") options.format = FrameFormat::kCsv;
    if (format_ != "csv" && options.csv_header != UniqueUsersOptions{}.csv_header)
      return Status::invalid("--csv-header needs --format csv: other frames name their fields");
    if (format_ == "msgpack") options.format = FrameFormat::kMsgpack;
    if (format_ == "msgpack" && !stream.from.empty())
      return Status::invalid(
          "--from reads lines, and MessagePack frames are none: put them into a topic with "
          "millrace "
          "load --format msgpack, and give --broker instead");
    if (exact_ && precision_ > 0)
      return Status::invalid("--exact and --sketch exclude each other: give one of them");
    if (emit_sketch_ && precision_ == 0)
      return Status::invalid("--emit-sketch needs --sketch P: exact counts have no sketch");
    if (precision_ > 0) options.method = sketch(precision_, emit_sketch_);
    if (update_every_) options.update_every = *update_every_;
    if (!windows_.empty()) options.windows.clear();
    for (const std::string& text : windows_) {
      auto window = WindowDefinition::parse(text);
      if (!window.ok()) return Status::invalid("--window: " + window.status().message());
      options.windows.push_back(*window);
    }
    names_.clear();
    for (const WindowDefinition& window : options.windows) names_.push_back(window.name());
    return unique_users(options);
  }

  void configure(ApplicationConfig& config) const override {
    config.idle_after = idle_after_;
    config.max_drift = max_drift_.value_or(-1ms);
  }
  std::string results(const StreamOptions& stream) const override {
    return stream.from.empty() ? options_.output : std::string();
  }
  std::vector<std::string> window_names() const override { return names_; }

 private:
  static constexpr std::chrono::milliseconds kYear = std::chrono::hours(24 * 366);

  UniqueUsersOptions options_;
  std::string format_ = "json";
  std::vector<std::string> windows_;
  std::chrono::milliseconds idle_after_{5'000};
  std::optional<std::chrono::milliseconds> max_drift_{std::chrono::hours(1)};
  bool exact_ = false;
  bool emit_sketch_ = false;
  int precision_ = 0;
  std::optional<std::chrono::milliseconds> update_every_;
  mutable std::vector<std::string> names_;
};

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::UniqueUsers program;
  return millrace::run_program(
      argc, argv,
      {"unique_users",
       millrace::kVersion,
       "Counts unique users and frames per window of event time, exactly or by sketch.",
       {{"zcat frames.jsonl.gz | unique_users --from - --output - --window 1m",
         "counts a file, without a broker"},
        {"unique_users --broker localhost:9092 --input frames --output minute-stats --window 1m "
         "--window 1h --window day",
         "counts a Kafka topic, as it comes"}}},
      program);
}
