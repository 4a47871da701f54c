#include "millrace/apps/program/http/topology_json.h"

#include <vector>

#include "millrace/operators/codec/json_writer.h"

namespace millrace {
namespace {

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const std::string& text : texts) json.element().string(text);
  json.end_array();
}

void write_numbers(JsonWriter& json, std::string_view key, const std::vector<int>& numbers) {
  json.key(key).begin_array();
  for (const int number : numbers) json.element().integer(number);
  json.end_array();
}

void write_node(JsonWriter& json, const NodeSpec& node, const std::string& application_id) {
  std::vector<std::string> sinks;
  for (const TopicName& sink : node.sinks) sinks.push_back(sink.resolve(application_id));
  json.begin_object();
  json.key("name").string(node.name).key("reads_topic");
  node.source ? json.string(node.source->resolve(application_id)) : json.null();
  write_numbers(json, "reads_edges", node.inputs);
  write_texts(json, "operators", node.operators);
  write_texts(json, "tuning", node.tuning);
  write_texts(json, "stores", node.stores);
  write_texts(json, "writes_topics", sinks);
  write_numbers(json, "writes_edges", node.outputs);
  json.end_object();
}

}  // namespace

std::string topology_json(const Topology& topology, const std::string& application_id) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("name").string(topology.name());
  json.key("fingerprint").string(topology.fingerprint());
  json.key("sub_topologies").begin_array();
  for (const SubTopology& part : topology.sub_topologies()) {
    json.element().begin_object().key("id").integer(part.id).key("nodes").begin_array();
    for (const int index : part.nodes)
      write_node(json.element(), topology.nodes()[static_cast<std::size_t>(index)], application_id);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return text;
}

}  // namespace millrace
