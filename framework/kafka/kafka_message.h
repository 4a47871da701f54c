#pragma once

#include <memory>
#include <string_view>

#include "millrace/framework/kafka/kafka_client.h"
#include "millrace/framework/record_batch.h"

/// How a consumed message gets into a batch: as it lies, if it can be read there.
namespace millrace::kafka {

/// Lends messages to batches; the client lives as long as one of them.
std::shared_ptr<RecordLender> message_lender(std::shared_ptr<Client> client);

/// Appends a message's record, which must be no error. The batch borrows it where its value is
/// padded and there are no headers, else it is copied.
void append_message(Message message, const std::shared_ptr<RecordLender>& lender,
                    RecordBatch& batch);

/// True if kRecordPadding bytes behind a value may be read where it lies, whatever stands there: on
/// the page of its last byte any may be.
bool is_padded(std::string_view value);

}  // namespace millrace::kafka
