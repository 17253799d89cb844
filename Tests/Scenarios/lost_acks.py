#!/usr/bin/env python3
"""Lost acknowledgements on a real Kafka (docs/reliability.md, X6).

All stages and ingest speak with their brokers through a proxy that now and then lets a request through, waits until
the broker has answered, and then cuts the connection without passing the answer on: the broker has done it, and the
client cannot know. Requests that change something are chosen, transactions' among them. Afterwards nothing is lost,
nothing doubled, equal inputs gave equal bytes (the checks are those of faults.py).

PASSFLOW_SEED repeats the choice. PASSFLOW_LOST_ACKS: how many answers at least (60; 1,000 with PASSFLOW_TEST_LONG=1).
"""
import asyncio
import collections
import os
import random
import subprocess
import sys
import threading
import time

import stages as common
from faults import LONG, PARTITIONS, QUICK, STAGES, Feeding, judge
from stages import (
    CLUSTER, SEED, Stage, Supervision, are_ready, check, has_own_cluster, leave, lines_of, make_topics, sample, stop_all,
    undisturbed_run, wait_until, work_in_memory)

LOST = int(os.environ.get("PASSFLOW_LOST_ACKS", 1000 if LONG else 60))
# Number of the request in Kafka's protocol: its name, the share of answers that are lost.
REQUESTS = {
    0: ("Produce", 0.01), 8: ("OffsetCommit", 0.05), 22: ("InitProducerId", 0.1), 24: ("AddPartitionsToTxn", 0.02),
    25: ("AddOffsetsToTxn", 0.02), 26: ("EndTxn", 0.04), 28: ("TxnOffsetCommit", 0.04),
}


class Proxy(threading.Thread):
    """One listener per broker; counts the answers it has kept back, by request."""

    def __init__(self, seed):
        super().__init__(daemon=True)
        self.choices, self.lost = random.Random(seed), collections.Counter()
        self.is_hurting = True
        shown = subprocess.run([CLUSTER, "bootstrap", "proxied"], capture_output=True, text=True, check=True)
        self.bootstrap = shown.stdout.strip()
        self.ports = [int(address.rsplit(":", 1)[1]) for address in self.bootstrap.split(",")]
        self.listening = threading.Event()

    def has_lost(self, count):
        """So many answers, and of each kind of request."""
        return sum(self.lost.values()) >= count and all(self.lost[name] for name, _ in REQUESTS.values())

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        for port in self.ports:
            # The broker's own side of this listener is ten ports below (README of the cluster).
            await asyncio.start_server(lambda r, w, port=port: self.connect(r, w, port - 10), "127.0.0.1", port)
        self.listening.set()
        await asyncio.Event().wait()

    async def connect(self, client, to_client, port):
        try:
            broker, to_broker = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            to_client.close()
            return
        doomed = {}
        both = [asyncio.create_task(self.requests(client, to_broker, doomed)),
                asyncio.create_task(self.answers(broker, to_client, doomed))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        for writer in (to_client, to_broker):
            writer.close()

    async def requests(self, client, to_broker, doomed):
        while True:
            head = await client.readexactly(4)
            body = await client.readexactly(int.from_bytes(head, "big"))
            name, share = REQUESTS.get(int.from_bytes(body[:2], "big"), ("", 0))
            if self.is_hurting and self.choices.random() < share:
                doomed[body[4:8]] = name
            to_broker.write(head + body)
            await to_broker.drain()

    async def answers(self, broker, to_client, doomed):
        while True:
            head = await broker.readexactly(4)
            body = await broker.readexactly(int.from_bytes(head, "big"))
            if body[:4] in doomed:
                self.lost[doomed[body[:4]]] += 1
                return
            to_client.write(head + body)
            await to_client.drain()


def main():
    if not has_own_cluster("lost acknowledgements"):
        return 0
    print(f"   seed {SEED}, {LOST} acknowledgements", flush=True)
    work = work_in_memory("passflow-acks-")
    orders = sample(work)
    expected, lines = undisturbed_run(work, orders), lines_of(orders)
    name = "lost acknowledgements"
    if expected is None or not make_topics(name, PARTITIONS):
        return 1
    proxy = Proxy(SEED)
    proxy.start()
    proxy.listening.wait(10)
    stages = [Stage(name, number, work, {**QUICK, "PASSFLOW_KAFKA_BOOTSTRAP": proxy.bootstrap})
              for name in STAGES for number in (1, 2)]
    feeding = Feeding(lines, work, random.Random(SEED), bootstrap=proxy.bootstrap)
    supervision = Supervision(stages)
    try:
        if not are_ready(name, stages):
            return 1
        supervision.start()
        feeding.start()
        started = time.monotonic()
        wait_until(lambda: proxy.has_lost(LOST) or not feeding.is_alive(), 60 + 2 * LOST)
        print(f"   {sum(proxy.lost.values())} lost in {time.monotonic() - started:.0f} s: {dict(proxy.lost)}; "
              f"{feeding.deaths} deaths of ingest; {feeding.fed} of {len(lines)} fed meanwhile", flush=True)
        unhurt = [request for request, _ in REQUESTS.values() if not proxy.lost[request]]
        check(f"{name}: {LOST} answers that change something, of each kind",
              f"only {sum(proxy.lost.values())}" if sum(proxy.lost.values()) < LOST
              else f"none of {', '.join(unhurt)}" if unhurt else None)
        feeding.finish.set()
        judge(name, work, expected, feeding)
        supervision.judge(name)
    finally:
        feeding.finish.set()
        supervision.end()
        proxy.is_hurting = False
        stop_all(name, stages)
        leave(work)
    return 1 if common.failures else 0


if __name__ == "__main__":
    sys.exit(main())
