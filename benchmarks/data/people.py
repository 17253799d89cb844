"""Generated people on real Korean buildings, and addresses of the internet drawn from a country's ranges.

Every draw is a function of the seed and of the thing's own name, never of what was drawn before it, so that a
customer looks the same in the whole history and in a sample cut out of it.
"""

import csv
import io
import ipaddress
import random
import subprocess

# Country names of the UCI file -> ISO code. The United Kingdom is the shop's home and becomes Korea.
COUNTRIES = {
    "United Kingdom": "KR", "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR",
    "Canada": "CA", "Channel Islands": "JE", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE",
    "European Community": "EU", "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR",
    "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT", "Japan": "JP", "Lebanon": "LB",
    "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO", "Poland": "PL", "Portugal": "PT",
    "RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH",
    "USA": "US", "United Arab Emirates": "AE", "Unspecified": "",
}

RANGES_PER_COUNTRY_MAX = {"KR": 160}
RANGES_OTHER_MAX = 6


def open_text(path):
    """Text of a file, plain or .zst."""
    if path.endswith(".zst"):
        return io.StringIO(subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout.decode())
    return open(path, encoding="utf-8", newline="")


def rows(path):
    with open_text(path) as file:
        yield from csv.DictReader(file)


class Networks:
    """Ranges of each country, thinned to a few so that a sample needs few of them."""

    def __init__(self, path, seed):
        ranges = {}
        with open(path, encoding="ascii") as file:
            for line in file:
                if line[0] == "#":
                    continue
                first, last, country = line.rstrip("\n").split(",")
                ranges.setdefault((country, ":" in first), []).append((first, last))
        self.pools = {}
        for (country, six), found in ranges.items():
            rng = random.Random(f"{seed}:ranges:{country}:{six}")
            count = RANGES_PER_COUNTRY_MAX.get(country, RANGES_OTHER_MAX)
            if not six:
                weights = [int(last) - int(first) + 1 for first, last in found]
                self.pools[country, six] = sorted(set(rng.choices(found, weights, k=count)))
            else:
                self.pools[country, six] = sorted(set(rng.choices(found, k=max(count // 8, 2))))
        self.used = set()

    def draw(self, rng, country):
        six = rng.random() < 0.08 and (country, True) in self.pools
        pool = self.pools.get((country, six))
        if not pool:
            return None
        first, last = rng.choice(pool)
        self.used.add((first, last, country))
        if not six:
            return str(ipaddress.IPv4Address(rng.randint(int(first), int(last))))
        return str(ipaddress.IPv6Address(
            rng.randint(int(ipaddress.IPv6Address(first)), int(ipaddress.IPv6Address(last)))))


class Places:
    """Road addresses (two for each Korean zip), those of Jeju and the islands apart."""

    def __init__(self, addresses, remote):
        ranges = [(int(row["from_zip"]), int(row["to_zip"])) for row in rows(remote)]
        self.all = [(row["zip5"], row["sido"], row["sigungu"], row["road_address"], row["eupmyeondong"])
                    for row in rows(addresses)]
        self.remote = [row for row in self.all
                       if any(first <= int(row[0]) <= last for first, last in ranges)]
        self.jeju = [row for row in self.remote if row[0] >= "63000" and row[0] <= "63644"]

    def draw(self, rng):
        """A uniform zip, plus a share of Jeju and of islands beyond their natural 2 %, so that labels show."""
        share = rng.random()
        pool = self.jeju if share < 0.025 else self.remote if share < 0.045 else self.all
        zipcode, sido, sigungu, road, town = rng.choice(pool)
        if town[-1:] in "동가로":
            address1 = " ".join(part for part in (sido, sigungu, road) if part)
            suffix = f" ({town})"
        else:
            address1 = " ".join(part for part in (sido, sigungu, town.split(" ")[0], road) if part)
            suffix = ""
        detail = rng.choice((f"{rng.randint(101, 120)}동 {rng.randint(1, 25)}{rng.randint(1, 8):02d}호",
                             f"{rng.randint(1, 9)}층", f"{rng.randint(101, 909)}호", "1층 제주은행 옆"))
        return zipcode, address1, detail + suffix


class People:
    def __init__(self, names):
        table = {"surname": ([], []), "male": ([], []), "female": ([], [])}
        for row in rows(names):
            kind = row["kind"].removeprefix("given_")
            table[kind][0].append(row["name"])
            table[kind][1].append(float(row["weight"] or 1))
        self.table = table

    def name(self, rng):
        given = "female" if rng.random() < 0.6 else "male"
        return "".join(rng.choices(*self.table[kind])[0] for kind in ("surname", given))


def phone(rng):
    """From the block 010-0000-xxxx, in which no subscriber is."""
    return f"010-0000-{rng.randint(0, 9999):04d}"
