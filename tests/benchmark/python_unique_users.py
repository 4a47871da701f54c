"""Unique users per minute of a Kafka topic as one writes it in Python: large batches, orjson, a set per minute.

    python_unique_users.py BOOTSTRAP TOPIC

One process, no group, no state, no recovery. See run_benchmarks.
"""

import sys

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition


def main():
    bootstrap, topic = sys.argv[1:3]
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": "python-unique-users",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        # So long that the fetcher never pauses.
        "queued.min.messages": 1000000,
        "queued.max.messages.kbytes": 262144,
    })
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    minutes, at_end = {}, 0
    while at_end < len(partitions):
        for message in consumer.consume(10000, 0.1):
            error = message.error()
            if error:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise RuntimeError(error)
                at_end += 1
                continue
            frame = orjson.loads(message.value())
            minute = int(frame["ts"]) // 60 * 60
            users = minutes.get(minute)
            if users is None:
                users = minutes[minute] = set()
            users.add(frame["uid"])
    consumer.close()
    for minute in sorted(minutes):
        print(orjson.dumps({"ts": minute, "duration_s": 60, "unique_users": len(minutes[minute])}).decode())


if __name__ == "__main__":
    main()
