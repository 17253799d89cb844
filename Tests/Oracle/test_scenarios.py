"""The scenarios' expected labels, worked out by hand, against the oracle: a third opinion on both."""

import os
import unittest

import oracle

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ScenarioTests", "Fixtures")


def scenarios():
    """Folders with orders and with the shipped rules: the oracle knows no others."""
    for name in sorted(os.listdir(FIXTURES)):
        folder = os.path.join(FIXTURES, name)
        if os.path.exists(os.path.join(folder, "orders.ndjson")):
            if not os.path.exists(os.path.join(folder, "rules.yaml")):
                yield name, folder


class ScenarioTests(unittest.TestCase):
    def test_there_are_enough(self):
        self.assertGreater(len(list(scenarios())), 70)

    def test_the_oracle_computes_what_was_worked_out_by_hand(self):
        for name, folder in scenarios():
            with self.subTest(name):
                own = os.path.join(folder, "reference")
                reference = own if os.path.isdir(own) else os.path.join(FIXTURES, "reference")
                orders, refused = oracle.read_orders(os.path.join(folder, "orders.ndjson"))
                self.assertEqual(refused, [])
                lines = ["mall_id,shop_no,order_id,item_code,label,rules"]
                lines += [",".join(row) for row in oracle.compute(orders, oracle.Reference(reference))]
                with open(os.path.join(folder, "expected.csv"), encoding="utf-8") as file:
                    self.assertEqual(lines, file.read().splitlines())


if __name__ == "__main__":
    unittest.main()
