"""The generator keeps its promises: same seed same bytes, bad lines refused and only those, order of lines no matter."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))


def generate(directory, name, *more):
    out = os.path.join(directory, name)
    subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), "--seed", "11", "--orders", "1200", "--real-orders",
                    "100", "--out", out, "--reference", os.path.join(directory, "reference"), *more],
                   check=True, stderr=subprocess.DEVNULL)
    with open(out, "rb") as file:
        return out, file.read()


class Generator(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def result(self, path):
        orders, refused = oracle.read_orders(path)
        tables = oracle.Reference(os.path.join(self.directory.name, "reference"))
        return oracle.compute(orders, tables), refused

    def test_same_seed_same_bytes_and_shuffling_changes_no_label(self):
        path, plain = generate(self.directory.name, "a")
        self.assertEqual(plain, generate(self.directory.name, "b")[1])
        shuffled_path, shuffled = generate(self.directory.name, "c", "--shuffle")
        self.assertNotEqual(plain, shuffled)
        self.assertEqual(sorted(plain.split(b"\n")), sorted(shuffled.split(b"\n")))
        expected, refused = self.result(path)
        self.assertEqual(refused, [])
        self.assertEqual((expected, []), self.result(shuffled_path))

    def test_exactly_the_bad_lines_are_refused(self):
        path, _ = generate(self.directory.name, "d", "--bad", "--shuffle")
        _, refused = self.result(path)
        with open(path + ".bad.json", encoding="utf-8") as file:
            bad = json.load(file)
        self.assertEqual({str(line) for line, _ in refused}, set(bad["refused"]))

    def test_every_label_occurs(self):
        rows, _ = self.result(generate(self.directory.name, "e")[0])
        self.assertEqual({label for _, labels, _, _ in oracle.RULES for label in labels}, {row[4] for row in rows})


if __name__ == "__main__":
    unittest.main()
