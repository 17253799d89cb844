#!/usr/bin/env python3
"""The canonical workload: the shipped sample, repeated as the orders of further malls.

    repeat_sample.py --copies N [--first K] [--seed S] --out FILE

Copy k is the sample in mall `bench<k>`: customers and orders belong to a mall, so every copy has new ones, with
the same histories, sizes and labels. Lines keep the sample's order; the copies of one line stand together in an
order drawn from the seed. The same arguments give the same bytes.
"""
import argparse
import gzip
import os
import random

SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sample", "orders.ndjson.gz")
MALL = b'"mall_id":"demomall"'


def repeat(out, copies, first, seed):
    """Writes the file; says how many lines it has."""
    draw = random.Random(seed)
    malls = [b'"mall_id":"bench%05d"' % number for number in range(first, first + copies)]
    lines = 0
    with gzip.open(SAMPLE, "rb") as sample, open(out, "wb") as file:
        for line in sample:
            before, found, after = line.partition(MALL)
            if not found or MALL in after:
                raise SystemExit("the sample is not what this script expects: one mall_id a line")
            draw.shuffle(malls)
            file.write(b"".join(before + mall + after for mall in malls))
            lines += copies
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    given = parser.parse_args()
    print(repeat(given.out, given.copies, given.first, given.seed), "lines")
