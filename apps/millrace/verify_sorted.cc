#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "millrace/apps/millrace/sort_check.h"
#include "millrace/apps/millrace/sorted_stream.h"
#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/millrace/topic_reader.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/number_text.h"
#include "millrace/apps/program/progress.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/signals.h"

namespace millrace::tool {
namespace {

struct VerifyOptions {
  BrokerOptions broker;
  std::string topic;
  std::string against;
  std::string by = "value";
  bool descending = false;
};

// How many records this makes, and in what.
std::string amount(const TopicReader& reader, const SortCheck& check) {
  const std::size_t partitions = reader.partitions().size();
  return fmt::format("{} record{} in {} partition{}", with_thousands(check.records()),
                     check.records() == 1 ? "" : "s", partitions, partitions == 1 ? "" : "s");
}

// Reads a topic through a check, or two of them one after the other.
class Verification {
 public:
  Verification(Session& session, const VerifyOptions& options, SortKey& key, const StopSignal& stop)
      : session_{session}, options_{options}, key_{key}, stop_{stop} {}

  // OK says in one line what was found; an offence is kFailed.
  Result<std::string> run() {
    MILLRACE_RETURN_IF_ERROR(open(options_.topic, topic_));
    if (!options_.against.empty()) MILLRACE_RETURN_IF_ERROR(open(options_.against, other_));
    progress_.emplace(
        session_.terminal(), session_.clock(),
        ProgressSpec{
            "verify-sorted", "records", {}, topic_->offsets() + (other_ ? other_->offsets() : 0)});
    SortCheck check{key_, topic_->partitions()};
    MILLRACE_RETURN_IF_ERROR(read(*topic_, check));
    std::string wrong = disorder(check);
    if (other_) {
      SortCheck other{key_, other_->partitions()};
      MILLRACE_RETURN_IF_ERROR(read(*other_, other));
      if (check.records() != other.records() || check.contents() != other.contents()) {
        const Result<std::string> difference = describe_difference(check, other);
        MILLRACE_RETURN_IF_ERROR(difference.status());
        wrong += (wrong.empty() ? "" : "; ") + *difference;
      }
    }
    if (!wrong.empty()) return Status::failed(wrong);
    return fmt::format(
        "topic '{}' is sorted by {}{}: {}, {:.1f} MB; {:.1f} s\n", options_.topic, options_.by,
        other_ ? " and holds what '" + options_.against + "' holds" : "", amount(*topic_, check),
        static_cast<double>(check.bytes()) / 1e6, progress_->seconds());
  }

 private:
  Status open(const std::string& name, std::unique_ptr<TopicReader>& reader) {
    Result<std::unique_ptr<TopicReader>> opened = TopicReader::open(session_.broker(), name);
    MILLRACE_RETURN_IF_ERROR(opened.status());
    reader = *std::move(opened);
    return {};
  }

  Status read(TopicReader& reader, SortCheck& check) {
    while (!reader.ended()) {
      bool idle = true;
      for (std::size_t i = 0; i < reader.partitions().size(); ++i) {
        if (reader.ended(i)) continue;
        const auto records = reader.read(i, batch_);
        MILLRACE_RETURN_IF_ERROR(records.status());
        check.add(i, *records);
        idle = idle && records->empty();
        count(*records);
      }
      if (stop_.requested()) return interrupted();
      if (idle && !reader.ended()) reader.wait();
    }
    return {};
  }

  void count(std::span<const RecordView> records) {
    for (const RecordView& record : records)
      bytes_ += static_cast<std::int64_t>(record.key.size() + record.value.size());
    records_ += static_cast<std::int64_t>(records.size());
    progress_->update(records_, bytes_);
  }

  Status interrupted() const {
    return Status::failed(
        fmt::format("interrupted after {} records: nothing is proved", with_thousands(records_)));
  }

  static std::string disorder(const SortCheck& check) {
    if (check.offences() == 0) return {};
    return fmt::format("not sorted: {}{}", check.first_offence(),
                       check.offences() == 1
                           ? ""
                           : fmt::format(" (the first of {})", with_thousands(check.offences())));
  }

  // Where both topics are sorted a second reading names a value; else the counts must do.
  Result<std::string> describe_difference(const SortCheck& check, const SortCheck& other) {
    std::string text = fmt::format("not the same records: {} in topic '{}', {} in topic '{}'",
                                   amount(*topic_, check), options_.topic, amount(*other_, other),
                                   options_.against);
    if (check.offences() > 0) return text;
    if (other.offences() > 0) return text + "; " + disorder(other);
    MILLRACE_RETURN_IF_ERROR(open(options_.topic, topic_));
    MILLRACE_RETURN_IF_ERROR(open(options_.against, other_));
    const Result<std::string> first = first_difference(*topic_, *other_, key_, stop_);
    if (first.status().code() == StatusCode::kRetry) return interrupted();
    MILLRACE_RETURN_IF_ERROR(first.status());
    return first->empty() ? text : text + "; " + *first;
  }

  Session& session_;
  const VerifyOptions& options_;
  SortKey& key_;
  const StopSignal& stop_;
  std::unique_ptr<TopicReader> topic_;
  std::unique_ptr<TopicReader> other_;
  std::optional<Progress> progress_;
  RecordBatch batch_;
  std::int64_t records_ = 0;  // read so far, of both
  std::int64_t bytes_ = 0;
};

Status verify(const VerifyOptions& options) {
  Result<SortKey> key = SortKey::parse(options.by, options.descending);
  MILLRACE_RETURN_IF_ERROR(key.status());
  const StopSignal stop;
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(options.broker, Session::Missing::kRefuse));
  const Result<std::string> found = Verification{session, options, *key, stop}.run();
  MILLRACE_RETURN_IF_ERROR(found.status());
  return write_output(*found);
}

}  // namespace

int verify_sorted(int argc, char** argv) {
  VerifyOptions targets;
  Options options{
      {"millrace verify-sorted",
       kVersion,
       "Reads the committed records of a topic and checks that each of its partitions is sorted. "
       "Exit code 0: it is; 1: it is not, and the first offence is named.",
       {{"millrace verify-sorted --broker localhost:9092 --topic data-output --against data-input",
         "sorted, and nothing is missing, doubled or changed"},
        {"millrace verify-sorted --broker embedded:demo --topic frames --by json:/ts --descending",
         "by a field of JSON records, greatest first"}}}};
  declare_broker_options(options, targets.broker);
  options.heading("Records");
  options.add("topic", targets.topic, "topic to check, up to its end now")
      .value_name("TOPIC")
      .required();
  options
      .add("against", targets.against,
           "topic that must hold the same records: equal keys and values, equally often, in any "
           "order")
      .value_name("TOPIC");
  options
      .add("by", targets.by,
           "what it is sorted by: value (decimal integers), key (bytes), event-time (record "
           "timestamps), json:/FIELD (whole numbers), json-text:/FIELD")
      .value_name("WHAT");
  options.add("descending", targets.descending, "the greatest comes first");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, verify(targets));
}

}  // namespace millrace::tool
