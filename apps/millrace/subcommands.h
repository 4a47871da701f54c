#pragma once

/// The subcommands of `millrace`. Each reads its options from argv and returns the exit code.
namespace millrace::tool {

int topics(int argc, char** argv);
int create(int argc, char** argv);
int load(int argc, char** argv);
int cat(int argc, char** argv);
int verify_sorted(int argc, char** argv);
int groups(int argc, char** argv);
int reset(int argc, char** argv);

}  // namespace millrace::tool
