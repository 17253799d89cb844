#!/bin/sh
# Fetches Debian's tor-geoipdb (IPFire Location Database, CC BY-SA 4.0) without root and without the tor daemon,
# and joins its two range files into one geo.csv as `passflow run --reference DIR` reads it.
#
#   install_geo.sh CACHE_DIR [OUT_FILE]     (default OUT_FILE: CACHE_DIR/geo.csv)
#
# Attribution to carry: IP geolocation: IPFire Location Database, https://location.ipfire.org/, CC BY-SA 4.0.
set -eu
cache=${1:?usage: install_geo.sh CACHE_DIR [OUT_FILE]}
out=${2:-$cache/geo.csv}
mkdir -p "$cache"
if [ ! -s "$cache/usr/share/tor/geoip" ] || [ ! -s "$cache/usr/share/tor/geoip6" ]; then
    (
        cd "$cache"
        apt-get download tor-geoipdb >/dev/null 2>&1 || {
            echo "install_geo: apt-get download tor-geoipdb failed (try: sudo apt-get update)" >&2
            exit 1
        }
        for package in tor-geoipdb_*.deb; do dpkg-deb -x "$package" .; done
    )
fi
mkdir -p "$(dirname "$out")"
{
    echo "# IP geolocation: IPFire Location Database, https://location.ipfire.org/, CC BY-SA 4.0."
    echo "# first,last,country; from Debian's tor-geoipdb, IPv4 first, then IPv6."
    grep -v '^#' "$cache/usr/share/tor/geoip"
    grep -v '^#' "$cache/usr/share/tor/geoip6"
} >"$out.part"
mv "$out.part" "$out"
echo "install_geo: $(grep -vc '^#' "$out") ranges in $out" >&2
