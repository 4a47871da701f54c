#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/commands.h"

int main(int argc, char** argv) {
  namespace tool = millrace::tool;
  return millrace::run_commands(
      {"millrace",
       millrace::kVersion,
       "Looks at topics and groups, fills topics and reads them.",
       {{"frames --count 100000 | millrace load --broker embedded:demo --topic frames -",
         "fills a topic of the broker in ./demo"},
        {"millrace cat --broker localhost:9092 --topic results --until-end",
         "prints what is in a topic"}}},
      {{"topics", "lists topics with their partitions and records", tool::topics},
       {"create", "creates a topic", tool::create},
       {"load", "writes the lines of a file to a topic", tool::load},
       {"cat", "prints the records of a topic", tool::cat},
       {"verify-sorted", "checks that a topic is sorted, and complete against another",
        tool::verify_sorted},
       {"groups", "lists consumer groups with members, offsets and lag", tool::groups},
       {"reset", "removes what an application keeps: offsets, internal topics, state",
        tool::reset}},
      argc, argv);
}
