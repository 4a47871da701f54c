// expect: the query refers to the application, which must not be a temporary
#include "millrace/operators/query.h"

std::unique_ptr<millrace::Application> start();

void count(const millrace::Application& application) {
#ifdef MISUSE
  static_cast<void>(application);
  auto orders = millrace::query<std::string, int>(std::move(*start()), "orders");
#else
  auto orders = millrace::query<std::string, int>(application, "orders");
#endif
  static_cast<void>(orders.get("ada"));
}
