"""The section `merge` of run_benchmarks: sorted partitions into one sorted partition."""

import kafka_streams_peer
from measuring import alternate, compared, measure, shown, table, verdict

RECORDS = 20_000_000
PARTITIONS = 10
INPUT = "sorted-parts"
DATA_LIMIT = 300 << 20  # RLIMIT_DATA of both sides
GOAL = 0.9


def merge(bench):
    records = bench.frames(RECORDS)
    with bench.cluster() as broker:
        bench.call("integers", "--broker", broker, "--topic", INPUT, "--partitions", str(PARTITIONS), "--count",
                   str(records), "--seed", "1")
        commands = {}

        def checked(name, command, output, limit=DATA_LIMIT):
            bench.call("millrace", "create", "--broker", broker, "--topic", output, "--partitions", "1")
            run = measure(command, bench.scratch, data_limit=limit)
            # Sorted, and each record once.
            bench.call("millrace", "verify-sorted", "--broker", broker, "--topic", output, "--against", INPUT)
            commands[name] = shown(command)
            return run

        def by_hand():
            output = bench.next_name()
            return checked("raw", bench.program("raw_kafka_merge", broker, INPUT, output), output)

        def millrace():
            output = bench.next_name()
            run = checked("millrace", bench.program(
                "sorted_merge", "--broker", broker, "--input", INPUT, "--output", output, "--until-end",
                "--application-id", output, "--state-dir", bench.scratch / output,
                "--progress-every", "1000000000"), output)
            bench.call("millrace", "reset", "--broker", broker, "--application-id", output, "--yes")
            return run

        def kafka_streams(threads):
            output = bench.next_name()
            return checked("kafka streams", kafka_streams_peer.command(bench, "MergeSorted", broker, INPUT, output,
                                                                       threads), output, limit=None)

        row = compared(alternate(bench.plan, bench.pairs, by_hand, millrace), ["raw_kafka_merge", "sorted_merge"], GOAL,
                       records)
        peer = min((kafka_streams(threads) for threads in [1, 2]), key=lambda run: run.seconds)
    return {"records": records, "merge": row, "kafka_streams": peer._asdict(), "commands": list(commands.values())}


def render(section):
    row, peer = section["merge"], section["kafka_streams"]
    peak = row["sides"]["sorted_merge"]["peak_mb"]
    return ["## Sorted merge", "",
            f"{section['records']:,} integers in {PARTITIONS} sorted partitions into one sorted partition; both sides "
            f"with one processing thread and at most {DATA_LIMIT >> 20} MiB of data (RLIMIT_DATA). The baseline is a "
            "bare loop: a loser tree over partition queues and an idempotent producer, without group, offsets or "
            "transactions; with queues that fit into the limit librdkafka 2.0.2 pauses for a second whenever they are all "
            "full, which sorted_merge knows to prevent. sorted_merge is exactly once. Records come in and go out at the rate shown. Every output "
            "is checked: sorted, and each record once. Ratio: time of the bare loop / time of sorted_merge.", "",
            *table(row, row["median"] >= row["goal"], "records/s"), "",
            f"Peak memory of sorted_merge {peak:.0f} MB; goal under 300 MB: {verdict(peak < 300)}.", "",
            "Kafka Streams has no such operator. A processor of one's own does it (tests/benchmark/kafka_streams), behind "
            "a topic of one partition, with what it holds back in memory, where it would not survive a crash; exactly "
            f"once for the rest, no memory limit. The better of one run with one thread and one with two: "
            f"{peer['seconds']:.1f} s, {section['records'] / peer['seconds']:,.0f} records/s, {peer['cpu']:.1f} CPU "
            f"seconds, {peer['peak_mb']:.0f} MB."]
