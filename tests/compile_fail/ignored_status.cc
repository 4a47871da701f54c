// expect: 'nodiscard'
#include "millrace/framework/status.h"

millrace::Status open_store();

void start() {
#ifdef MISUSE
  open_store();
#else
  if (!open_store().ok()) return;
#endif
}
