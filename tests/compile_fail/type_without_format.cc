// expect: this type has no format: declare millrace_fields(const T*) beside it
#include "millrace/framework/format.h"

struct User {
  int id = 0;
};
#ifndef MISUSE
auto millrace_fields(const User*) { return millrace::fields<User>(&User::id); }
#endif

void store(const User& user, millrace::ByteWriter& out) {
  millrace::Format<User>::write(user, out);
}
