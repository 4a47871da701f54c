// expect: a view or pointer cannot enter a store or cross a topic
#include <string>
#include <string_view>

#include "millrace/framework/format.h"

#ifdef MISUSE
using User = std::string_view;
#else
using User = std::string;
#endif

void store(const User& user, millrace::ByteWriter& out) {
  millrace::Format<User>::write(user, out);
}
