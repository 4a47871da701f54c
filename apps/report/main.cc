#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/options.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/signals.h"
#include "millrace/apps/program/stream_options.h"
#include "millrace/apps/report/result_topic.h"
#include "millrace/apps/report/window_results.h"

namespace millrace {
namespace {

constexpr int kFollowedRows = 15;
constexpr std::string_view kClearScreen = "\033[H\033[J";

struct Arguments {
  BrokerOptions broker;
  std::string input;
  bool follow = false;
  int last = 0;  // 0: all, or kFollowedRows
};

Status print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return {};
  }
  return Status::failed(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

// What is there now.
Status print_once(ResultTopic& topic, const Arguments& line, const StopSignal& stop) {
  WindowResults results;
  const auto add = [&](WindowResult result) { results.add(std::move(result)); };
  MILLRACE_RETURN_IF_ERROR(topic.read(add));
  while (!topic.caught_up() && !stop.requested()) {
    topic.wait();
    MILLRACE_RETURN_IF_ERROR(topic.read(add));
  }
  if (!topic.caught_up())
    return Status::failed(fmt::format(
        "interrupted: topic '{}' was not read to its end; nothing is shown", line.input));
  const std::size_t rows =
      line.last > 0 ? static_cast<std::size_t>(line.last) : WindowResults::kAll;
  MILLRACE_RETURN_IF_ERROR(print(results.empty()
                                     ? fmt::format("topic '{}' holds no results yet\n", line.input)
                                     : results.text(rows)));
  if (topic.foreign_records() == 0) return {};
  return Status::failed(
      fmt::format("topic '{}': {} records are no results of unique_users and were left out; the "
                  "first is {}",
                  line.input, topic.foreign_records(), topic.first_foreign()));
}

// A screen that is drawn anew, or without a terminal the table again, whenever something changed.
Status follow(ResultTopic& topic, const Arguments& line, const StopSignal& stop) {
  const std::size_t rows = static_cast<std::size_t>(line.last > 0 ? line.last : kFollowedRows);
  const bool screen = isatty(STDOUT_FILENO) == 1;
  WindowResults results;
  bool changed = true;
  while (!stop.requested()) {
    MILLRACE_RETURN_IF_ERROR(topic.read([&](WindowResult result) {
      results.add(std::move(result));
      changed = true;
    }));
    if (changed && topic.caught_up()) {
      std::string text{screen ? kClearScreen : std::string_view{}};
      text += results.empty() ? fmt::format("topic '{}' holds no results yet\n", line.input)
                              : results.text(rows);
      MILLRACE_RETURN_IF_ERROR(print(screen ? text : text + '\n'));
      changed = false;
    }
    topic.wait();
  }
  return {};
}

Status run(const Arguments& line) {
  StopSignal stop;
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(line.broker, Session::Missing::kRefuse));
  const Result<std::unique_ptr<ResultTopic>> topic =
      ResultTopic::open(session.broker(), line.input);
  MILLRACE_RETURN_IF_ERROR(topic.status());
  stop.on_request([&] { (*topic)->wakeup(); });
  const Status printed =
      line.follow ? follow(**topic, line, stop) : print_once(**topic, line, stop);
  stop.on_request({});
  MILLRACE_RETURN_IF_ERROR(printed);
  return (*topic)->close();
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  Arguments line;
  Options options{
      {"report",
       kVersion,
       "Shows the results of unique_users as a table: users and frames per window, "
       "averages, peak.",
       {{"report --broker localhost:9092 --input unique-users", "all windows that are there now"},
        {"report --broker localhost:9092 --input unique-users --follow",
         "the last windows, live until Ctrl-C"}}}};
  declare_broker_options(options, line.broker);
  options.heading("Results");
  options.add("input", line.input, "topic of results: the --output of unique_users")
      .value_name("TOPIC")
      .required();
  options.add("follow", line.follow, "show the last windows live, until Ctrl-C");
  options.add("last", line.last, "show only so many windows of each kind, the last ones")
      .range(1, 1'000'000)
      .default_text("all; 15 with --follow");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, run(line));
}
