#include "millrace/framework/status.h"

int main() {
  const millrace::Status status = millrace::Status::invalid("topic 'a' has no partitions");
  return status.code() == millrace::StatusCode::kInvalid ? 0 : 1;
}
