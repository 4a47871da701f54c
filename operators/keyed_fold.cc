#include "millrace/operators/keyed_fold.h"

namespace millrace::fold_detail {

void warn_of_missing_key(LogSink& log, const std::string& store) {
  log.write(LogLevel::kWarning,
            "records without a key are left out of an aggregation: give them one by key_by(f)",
            {{"store", store}});
}

}  // namespace millrace::fold_detail
