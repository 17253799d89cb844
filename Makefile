# PassFlow: the two commands that do everything are `make demo` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PACKAGES := librdkafka-dev libmicrohttpd-dev libsimdjson-dev libyaml-dev libsqlite3-dev libsodium-dev libre2-dev liblz4-dev \
            protobuf-compiler zstd python3 make g++
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
GEO := .build/geo/geo.csv

.PHONY: help demo test lint build deps geo bench mutants clean

help:
	@echo "make demo    real sample orders through the four executables on the embedded broker"
	@echo "make test    all tests (with broker tests when KAFKA_BOOTSTRAP is set)"
	@echo "make build   release build of the executables"
	@echo "make lint    format check"
	@echo "make mutants  breaks the code on purpose, one line at a time: do the tests see it?"
	@echo "make bench   benchmarks on a real broker (KAFKA_BOOTSTRAP)"

# Installs Debian's packages that are missing; asks for nothing when all are there.
deps:
	@command -v swift >/dev/null || { echo "PassFlow needs the Swift 6.2 toolchain or newer (https://swift.org/install)"; exit 1; }
	@missing=""; for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "Installing from Debian:$$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "Debian packages: all present"; fi

# IP ranges of Debian's tor-geoipdb (CC BY-SA 4.0), unpacked without installing any daemon.
geo: $(GEO)
$(GEO):
	@mkdir -p $(dir $(GEO))
	@bash benchmarks/data/install_geo.sh $(dir $(GEO)) $(GEO) || echo "No geo package to be had: going on with the sample's own ranges"

build: deps
	@echo "Building (release) …"
	@swift build -c release 2>&1 | { grep -E 'error|warning|Compiling|Build complete' || true; } | tail -n 3

demo: build geo
	@mkdir -p .build/demo-orders && gzip -dc benchmarks/sample/orders.ndjson.gz > .build/demo-orders/orders.ndjson
	@.build/release/passflow demo --orders .build/demo-orders/orders.ndjson --reference config/reference --geo $(GEO)

test: deps
	@python3 Tests/run.py

lint:
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests benchmarks

# Breaks the code on purpose and demands that tests see it; ONLY=text takes those whose name contains it.
mutants: deps
	@python3 Tests/Mutants/run.py $(if $(ONLY),"$(ONLY)")

bench: build
	@bash benchmarks/run.sh

clean:
	@rm -rf .build state out
