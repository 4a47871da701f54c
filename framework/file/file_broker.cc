#include "millrace/framework/file/file_broker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "millrace/framework/file/file_admin.h"
#include "millrace/framework/file/file_consumer.h"
#include "millrace/framework/file/file_producer.h"
#include "millrace/framework/file/file_topics.h"
#include "millrace/framework/file/regular_file_input.h"
#include "millrace/framework/file/stream_input.h"

namespace millrace {
namespace {

class FileBroker final : public Broker {
 public:
  FileBroker(std::string name, FileTopics topics, std::unique_ptr<Broker> inner)
      : name_(std::move(name)),
        inner_(std::move(inner)),
        topics_(std::move(topics)),
        admin_(topics_, inner_->admin()) {}

  Result<std::unique_ptr<Consumer>> consumer(const ConsumerOptions& options) override {
    Result<std::unique_ptr<Consumer>> inner = inner_->consumer(options);
    if (!inner.ok()) return inner;
    return std::unique_ptr<Consumer>(std::make_unique<FileConsumer>(topics_, std::move(*inner)));
  }

  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    Result<std::unique_ptr<Producer>> inner = inner_->producer(options);
    if (!inner.ok()) return inner;
    return std::unique_ptr<Producer>(std::make_unique<FileProducer>(
        topics_, std::move(*inner), !options.transactional_id.empty()));
  }

  Admin& admin() override { return admin_; }
  std::string name() const override { return name_; }

 private:
  const std::string name_;
  const std::unique_ptr<Broker> inner_;
  const FileTopics topics_;
  FileAdmin admin_;
};

/// Opens the files of a broker, one after the other, and refuses to use one twice.
class FileOpener {
 public:
  explicit FileOpener(const FileOptions& options) : options_(options) {}

  Result<std::unique_ptr<LineInput>> input(const std::string& path) {
    Result<FileDescriptor> file =
        open(path, options_.standard_input, "standard input", O_RDONLY | O_NONBLOCK);
    if (!file.ok()) return file.status();
    if (S_ISREG(attributes_.st_mode))
      return std::unique_ptr<LineInput>(
          std::make_unique<RegularFileInput>(name_, std::move(*file), options_.max_line_bytes));
    // A wider pipe saves a change of thread for each 64 KiB. Other streams, and old systems,
    // refuse: no matter.
    ::fcntl(file->get(), F_SETPIPE_SZ, 1 << 20);
    Result<std::unique_ptr<StreamInput>> stream =
        StreamInput::open(name_, std::move(*file),
                          {options_.max_line_bytes, options_.stream_keep_bytes}, options_.clock);
    if (!stream.ok()) return stream.status();
    return std::unique_ptr<LineInput>(std::move(*stream));
  }

  Result<std::unique_ptr<LineOutput>> output(const std::string& path) {
    Result<FileDescriptor> file =
        open(path, options_.standard_output, "standard output", O_WRONLY | O_CREAT);
    if (!file.ok()) return file.status();
    // Emptied only now that it is known to be no input.
    if (path != "-" && S_ISREG(attributes_.st_mode) && ::ftruncate(file->get(), 0) != 0)
      return cannot_open();
    return std::make_unique<LineOutput>(name_, std::move(*file));
  }

 private:
  Result<FileDescriptor> open(const std::string& path, int standard, const char* standard_name,
                              int flags) {
    const bool is_standard = path == "-";
    name_ = is_standard ? standard_name : path;
    FileDescriptor file =
        is_standard ? FileDescriptor::borrowed(standard)
                    : FileDescriptor::owned(::open(path.c_str(), flags | O_CLOEXEC, 0666));
    if (file.get() < 0 || ::fstat(file.get(), &attributes_) != 0) return cannot_open();
    if (S_ISDIR(attributes_.st_mode))
      return Status::invalid(fmt::format("cannot open '{}': it is a directory", name_));
    MILLRACE_RETURN_IF_ERROR(check_unused());
    return file;
  }

  /// Terminals, sockets and /dev/null may well be used twice; a pipe or a file would be torn to
  /// pieces.
  Status check_unused() {
    if (!S_ISREG(attributes_.st_mode) && !S_ISFIFO(attributes_.st_mode)) return {};
    const std::pair identity{attributes_.st_dev, attributes_.st_ino};
    const auto used = std::find_if(used_.begin(), used_.end(),
                                   [&](const Used& use) { return use.identity == identity; });
    if (used != used_.end())
      return Status::invalid(fmt::format("'{}' and '{}' are the same file: give each topic its own",
                                         used->name, name_));
    used_.push_back({identity, name_});
    return {};
  }

  Status cannot_open() const {
    return Status::invalid(fmt::format("cannot open '{}': {}", name_, std::strerror(errno)));
  }

  struct Used {
    std::pair<dev_t, ino_t> identity;
    std::string name;
  };

  const FileOptions& options_;
  std::vector<Used> used_;
  std::string name_;  // of the file opened last
  struct stat attributes_ {};
};

Status create_topics(const FileTopics& topics, Admin& admin) {
  const auto create = [&admin](const std::string& topic) {
    const Status created = admin.create_topic({.name = topic, .partitions = 1, .configs = {}});
    if (created.code() != StatusCode::kExists) return created;
    const Result<TopicDescription> there = admin.describe_topic(topic);
    if (!there.ok()) return there.status();
    if (there->partitions == 1) return Status{};
    return Status::invalid(
        fmt::format("topic '{}' has {} partitions: a file has one; use another name", topic,
                    there->partitions));
  };
  for (const auto& [topic, input] : topics.inputs) MILLRACE_RETURN_IF_ERROR(create(topic));
  for (const auto& [topic, output] : topics.outputs) MILLRACE_RETURN_IF_ERROR(create(topic));
  return {};
}

}  // namespace

Result<std::unique_ptr<Broker>> open_file_broker(const FileOptions& options,
                                                 std::unique_ptr<Broker> inner) {
  FileOpener opener(options);
  FileTopics topics;
  std::string name = "file:";
  for (const auto& [topic, path] : options.inputs) {
    Result<std::unique_ptr<LineInput>> input = opener.input(path);
    if (!input.ok()) return input.status();
    topics.inputs.emplace(topic, std::move(*input));
    if (!name.ends_with(':')) name += ',';
    name += path;
  }
  for (const auto& [topic, path] : options.outputs) {
    if (topics.input(topic) != nullptr)
      return Status::invalid(
          fmt::format("topic '{}' is both input and output: give the output another name", topic));
    Result<std::unique_ptr<LineOutput>> output = opener.output(path);
    if (!output.ok()) return output.status();
    topics.outputs.emplace(topic, std::move(*output));
  }
  MILLRACE_RETURN_IF_ERROR(create_topics(topics, inner->admin()));
  options.log.write(
      LogLevel::kInfo,
      "files are read from the beginning at each start: at least once across restarts",
      {{"broker", name}});
  return std::unique_ptr<Broker>(
      std::make_unique<FileBroker>(std::move(name), std::move(topics), std::move(inner)));
}

}  // namespace millrace
