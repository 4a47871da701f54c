#include "millrace/apps/program/stream_options.h"

#include "millrace/apps/program/http/http_address.h"
#include "millrace/apps/program/state_directory.h"

namespace millrace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

void declare_broker_options(Options& options, BrokerOptions& targets) {
  options.heading("Broker");
  options
      .add("broker", targets.broker,
           "Kafka; or embedded:DIR, a broker in this process that keeps its data in DIR; or "
           "embedded:, in memory")
      .value_name("HOST:PORT,...");
  options.add_properties(
      "kafka", targets.kafka,
      "any librdkafka property; consumer.NAME and producer.NAME reach one side only");
  options.add("log-level", targets.log_level, "what is logged to standard error")
      .one_of({"debug", "info", "warning", "error", "off"});
  options
      .add("log-format", targets.log_format,
           "how: a line of text with key=value, or one JSON object a line, with time, level, text "
           "and the keys as members")
      .one_of({"text", "json"});
}

void declare_stream_options(Options& options, StreamOptions& targets) {
  declare_broker_options(options, targets.broker);
  options
      .add("from", targets.from,
           "read this file instead of a topic, without any broker; - is standard input")
      .value_name("FILE");

  options.heading("Application");
  options
      .add("application-id", targets.application_id,
           "names the consumer group, internal topics and state; equal for all copies that share "
           "the work")
      .value_name("NAME")
      .default_text("the topology's name");
  options
      .add("instance-id", targets.instance_id, "tells this copy from the others, across restarts")
      .value_name("NAME")
      .default_text("made once, kept in the state directory");
  options
      .add("state-dir", targets.state_dir,
           "where this copy keeps its state, in a directory per application")
      .value_name("DIR")
      .default_text(default_state_dir().string());
  options.add("static", targets.static_membership,
              "a restart within the session time-out moves no partition");
  options
      .add("session-timeout", targets.session_timeout,
           "a copy that gives no sign of life for so long loses its partitions to the others")
      .range(6s, 30min);
  options
      .add("guarantee", targets.guarantee,
           "what a crash may do to results: nothing; or count again what was read since the last "
           "commit, without transactions")
      .one_of({"exactly_once", "at_least_once"});
  options.add("until-end", targets.until_end, "stop at what is the end of the input now");
  options.add("check", targets.check, "check options, topics and broker, then leave");
  options.add("describe", targets.describe, "show the topology, then leave");

  options.heading("Bad records and lost input");
  options
      .add("on-bad-record", targets.on_bad_record, "what happens to a record that cannot be read")
      .one_of({"dead-letter", "skip", "stop"})
      .default_text("dead-letter if --dead-letter is given, else stop");
  options
      .add("dead-letter", targets.dead_letter,
           "where bad records go, with their origin; with --from, a file")
      .value_name("TOPIC");
  options
      .add("on-lost-input", targets.on_lost_input,
           "what happens when input was deleted before it was read: end; or say so, count what is "
           "missing, and go on with what is there")
      .one_of({"stop", "skip"});

  options.heading("Resources and reports");
  options.add("threads", targets.threads, "stream threads").range(1, 1024);
  options
      .add("commit-interval", targets.commit_interval,
           "time between commits; results are visible after one")
      .range(1ms, 1min);
  options
      .add_bytes(
          "memory", targets.memory_bytes,
          "memory for state of all tasks together: cache, write buffers, and sets of users, up to "
          "half; larger sets are looked up on disk")
      .range(16 << 20, 1e15);
  options.add("progress-every", targets.progress_every, "records between two lines of progress")
      .range(1, 1e15);
  options
      .add("http", targets.http,
           "serve /health, /ready, /state, /topology and /metrics (Prometheus), read-only; on this "
           "machine alone unless a host is named")
      .value_name("[HOST:]PORT");
  options
      .add("summary", targets.summary,
           "write counts and speed as one JSON object at the end; - is standard output")
      .value_name("FILE");
}

Status check_stream_options(const Options& options, const StreamOptions& values) {
  if (!values.from.empty() && options.given("broker")) {
    return Status::invalid(
        "--from reads a file without a broker, --broker names one: give only one of them");
  }
  if (values.on_bad_record == "dead-letter" && values.dead_letter.empty()) {
    return Status::invalid(
        "--on-bad-record dead-letter needs --dead-letter: the topic or file that takes bad "
        "records");
  }
  if (!values.http.empty()) MILLRACE_RETURN_IF_ERROR(HttpAddress::parse(values.http).status());
  if (!values.application_id.empty()) return check_application_id(values.application_id);
  return {};
}

}  // namespace millrace
