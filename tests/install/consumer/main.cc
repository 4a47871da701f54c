#include "millrace/millrace.h"

using namespace millrace;

int main() {
  TopologyBuilder topology{"long-lines"};
  topology.source("lines", text()) |
      filter([](std::string_view line) { return line.size() > 80; }) | to("long-lines", text());
  return topology.build().ok() ? 0 : 1;
}
