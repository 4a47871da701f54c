#include "millrace/framework/activity.h"

namespace millrace {

std::string_view to_string(Activity activity) {
  switch (activity) {
    case Activity::kGroup:
      return "following the group";
    case Activity::kTakingOver:
      return "taking over";
    case Activity::kProcessing:
      return "processing";
    case Activity::kPreparing:
      return "preparing a commit";
    case Activity::kCommitting:
      return "committing";
    case Activity::kWritingState:
      return "writing state";
    case Activity::kWaiting:
      return "waiting for input";
  }
  return "unknown";
}

}  // namespace millrace
