#include "millrace/framework/kafka/kafka_message.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::kafka {
namespace {

constexpr std::uintptr_t kPage = 4096;

std::string_view view(const void* data, std::size_t size) {
  return data == nullptr ? std::string_view{}
                         : std::string_view{static_cast<const char*>(data), size};
}

/// True if a record surely has no headers. librdkafka parses them when it is asked for them, which
/// allocates even where there are none: a tenth of a thread's time with records of 2 KB. But in
/// record format 2 their number follows the value, and librdkafka hands out values where they came
/// in; the contract suite would see it if it did not. Formats 0 and 1 have no headers, so there any
/// byte is a good answer, as long as it lies on a page that is mapped. Null and empty values stand
/// elsewhere.
bool surely_without_headers(const rd_kafka_message_t& message) {
  if (message.payload == nullptr || message.len == 0) return false;
  const char* const behind = static_cast<const char*>(message.payload) + message.len;
  return reinterpret_cast<std::uintptr_t>(behind) % kPage != 0 && *behind == 0;
}

class MessageLender final : public RecordLender {
 public:
  explicit MessageLender(std::shared_ptr<Client> client) : client_(std::move(client)) {}
  void give_back(std::span<void* const> loans) override {
    for (void* loan : loans) rd_kafka_message_destroy(static_cast<rd_kafka_message_t*>(loan));
  }

 private:
  std::shared_ptr<Client> client_;
};

}  // namespace

std::shared_ptr<RecordLender> message_lender(std::shared_ptr<Client> client) {
  return std::make_shared<MessageLender>(std::move(client));
}

bool is_padded(std::string_view value) {
  if (value.empty()) return false;
  const auto last = reinterpret_cast<std::uintptr_t>(value.data()) + value.size() - 1;
  return last % kPage + kRecordPadding < kPage;
}

void append_message(Message message, const std::shared_ptr<RecordLender>& lender,
                    RecordBatch& batch) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr bool kBorrows = false;  // sanitizers count by allocations, not by pages
#else
  constexpr bool kBorrows = true;
#endif
  rd_kafka_timestamp_type_t type;
  const std::int64_t timestamp_ms = rd_kafka_message_timestamp(message.get(), &type);
  const std::string_view key = view(message->key, message->key_len),
                         value = view(message->payload, message->len);
  rd_kafka_headers_t* raw_headers = nullptr;
  if (surely_without_headers(*message) ||
      rd_kafka_message_headers(message.get(), &raw_headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (kBorrows && batch.borrows() && is_padded(value)) {
      batch.append_stored({key, value, message->offset, timestamp_ms, {}});
      batch.borrow(message.release(), lender);
    } else {
      batch.append(key, value, message->offset, timestamp_ms);
    }
    return;
  }
  std::vector<Header> headers(rd_kafka_header_cnt(raw_headers));
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const char* name = nullptr;
    const void* data = nullptr;
    std::size_t size = 0;
    rd_kafka_header_get_all(raw_headers, i, &name, &data, &size);
    headers[i] = {name, view(data, size)};
  }
  batch.append(key, value, message->offset, timestamp_ms, headers);
}

}  // namespace millrace::kafka
