#include "millrace/framework/instance_directory.h"

#include <algorithm>
#include <utility>

#include "millrace/framework/record_batch.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kLook{200};  // at whether the tasks are others
constexpr std::chrono::milliseconds kPause{20};
constexpr std::chrono::milliseconds kDelivery{500};

}  // namespace

std::string instances_topic(const std::string& application_id) {
  return application_id + "-instances";
}

InstanceDirectory::InstanceDirectory(Options options)
    : options_(std::move(options)), partition_{options_.topic, 0}, thread_([this] { run(); }) {}

InstanceDirectory::~InstanceDirectory() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::map<TaskId, TaskOwner> InstanceDirectory::owners() {
  std::unique_lock lock(mutex_);
  const auto now = SteadyClock::now();
  const auto fresh = [&] { return read_at_ && *read_at_ + kFresh >= now; };
  if (fresh() || stop_) return owners_;
  wanted_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, kTimeout, [&] { return fresh() || stop_; });
  return owners_;
}

bool InstanceDirectory::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void InstanceDirectory::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    announce();
    lock.lock();
    if (std::exchange(wanted_, false)) {
      lock.unlock();
      auto found = read();
      lock.lock();
      // After a failure, too: who asks on does not wait each time.
      read_at_ = SteadyClock::now();
      changed_.notify_all();
      if (found.ok()) {
        owners_ = std::move(*found);
      } else {
        options_.log.write(LogLevel::kDebug, "could not read where other instances answer",
                           {{"topic", options_.topic}, {"error", found.status().message()}});
      }
    }
    changed_.wait_for(lock, kLook, [this] { return stop_ || wanted_; });
  }
  lock.unlock();
  if (announced_ && produce({}).ok()) static_cast<void>(producer_->flush(kTimeout));
  producer_.reset();
}

/// What could not be delivered is delivered in a later round; what has changed meanwhile, too.
void InstanceDirectory::announce() {
  if (sending_) {
    sending_ = producer_->flush(kDelivery).code() == StatusCode::kRetry;
    if (sending_) return;
  }
  InstanceRecord now{options_.address, options_.tasks()};
  std::ranges::sort(now.tasks);
  if (announced_ == now) return;
  const Status sent = produce(encode_instance_record(now));
  if (sent.ok()) {
    announced_ = std::move(now);
    sending_ = true;
    const Status delivered = producer_->flush(kDelivery);
    sending_ = delivered.code() == StatusCode::kRetry;
    if (delivered.ok() || sending_) return;
    announced_.reset();  // it was refused: once more
  }
  options_.log.write(LogLevel::kDebug, "could not say where this instance answers, trying on",
                     {{"topic", options_.topic}});
}

/// A null value takes back what was said.
Status InstanceDirectory::produce(std::string_view value) {
  if (!producer_) {
    ProducerOptions options;
    options.client_id = options_.client_id;
    auto producer = options_.broker.producer(options);
    if (!producer.ok()) return producer.status();
    producer_ = std::move(*producer);
  }
  return producer_->produce(
      {.topic = options_.topic, .partition = 0, .key = options_.instance_id, .value = value});
}

/// All of the topic, which is small: one record an instance, and what is not compacted yet.
Result<std::map<TaskId, TaskOwner>> InstanceDirectory::read() {
  ConsumerOptions options;
  options.client_id = options_.client_id;
  auto consumer = options_.broker.consumer(options);
  if (!consumer.ok()) return consumer.status();
  const PartitionOffset start{partition_, 0, {}};
  MILLRACE_RETURN_IF_ERROR((*consumer)->assign({&start, 1}));
  // In the order in which they spoke last: of two that claim a task, the later one has it.
  std::vector<std::pair<std::string, InstanceRecord>> said;
  RecordBatch batch;
  const auto deadline = SteadyClock::now() + kTimeout;
  while (true) {
    batch.reset();
    const Status polled = (*consumer)->poll(partition_, {}, batch);
    if (!polled.ok() && polled.code() != StatusCode::kRetry) return polled;
    for (const RecordView& record : batch.records()) {
      std::erase_if(said, [&](const auto& each) { return each.first == record.key; });
      if (!record.has_value()) continue;
      auto decoded = decode_instance_record(record.value);
      if (decoded.ok()) said.emplace_back(record.key, std::move(*decoded));  // else: a newer one's
    }
    const auto end = (*consumer)->high_watermark(partition_);
    if (end && (*consumer)->position(partition_) >= *end) break;
    if (SteadyClock::now() >= deadline || stopping())
      return Status::retry("the broker did not answer in time");
    if (batch.empty()) (*consumer)->wait(kPause);
  }
  static_cast<void>((*consumer)->close());
  std::map<TaskId, TaskOwner> owners;
  for (const auto& [instance, record] : said)
    for (const TaskId& task : record.tasks)
      owners.insert_or_assign(task, TaskOwner{instance, record.address});
  return owners;
}

}  // namespace millrace
