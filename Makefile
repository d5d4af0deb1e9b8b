# Two commands: `make run` starts the demo, `make test` proves it. Both do all the set-up.
#
# There is one build, in release: the demo, every test and every budget use the same objects
# (docs/decisions/0001-one-release-build.md).

swift_build := swift build -c release --explicit-target-dependency-import-check error
swift_test := swift test -c release --skip-build
azimuth := .build/release/azimuth
formatted := Package.swift Sources Tests $(wildcard Benchmarks) Fuzzing
# Of each fuzzer in `make fuzz`.
FUZZ_SECONDS ?= 60

build_packages := libmaxminddb-dev libssl-dev pkg-config zlib1g-dev git ca-certificates
demo_packages := $(build_packages) dnsutils curl
browser_packages := chromium chromium-driver fonts-dejavu-core
test_packages := $(demo_packages) valgrind gcc libc6-dev knot-dnsutils python3-dnspython \
  python3-cryptography python3-jsonschema unbound openssl fstrm-bin knot bind9 haproxy \
  python3-grpcio etcd-server etcd-client iproute2 bird2 exabgp $(browser_packages) \
  prometheus python3-prometheus-client python3-venv systemd groff-base mmdb-bin python3-maxminddb
package_packages := binutils dpkg-dev python3

.PHONY: run fleet-demo picture-of-dashboard build deb deb-test systemd-test container-test sbom \
  test lint test-build documentation unit simulation end-to-end budgets fuzz fuzz-briefly quality

# Builds Azimuth and serves config/azimuth.yaml with demo endpoints, until Ctrl-C.
run: build
	@scripts/debian-packages $(demo_packages)
	@exec $(azimuth) demo config/azimuth.yaml

# A fleet of five nodes on a store of three members, with a tour. Ends with Ctrl-C.
fleet-demo: build
	@scripts/debian-packages $(demo_packages) python3 etcd-server etcd-client
	@scripts/fleet-demo $(azimuth)

# docs/pictures/dashboard.png anew, from the demo.
picture-of-dashboard: build
	@scripts/debian-packages $(demo_packages) python3 $(browser_packages)
	@scripts/picture-of-dashboard $(azimuth) docs/pictures/dashboard.png

build: toolchain
	@scripts/debian-packages $(build_packages)
	@scripts/step "Building (the first time takes some minutes)" $(swift_build) --product azimuth

# A Debian package of the program, in .build/packages.
deb: build
	@scripts/debian-packages $(package_packages)
	@scripts/step "Linking" scripts/link-statically .build/packages/azimuth
	@scripts/step "Packing" scripts/deb .build/packages/azimuth .build/packages

# What the program is made of, as CycloneDX, in .build/packages. The Debian package has its own.
sbom: build
	@scripts/debian-packages $(package_packages)
	@mkdir -p .build/packages
	@scripts/sbom $(azimuth) >.build/packages/azimuth.cdx.json
	@echo .build/packages/azimuth.cdx.json

# Not of `make test`: it takes root, Debian's mirror and some minutes.
deb-test: deb
	@scripts/debian-packages debootstrap iproute2 dnsutils curl
	@scripts/step "Installing in a clean root" scripts/deb-test .build/packages/azimuth_*.deb

# Not of `make test`, for the same reasons.
systemd-test: deb
	@scripts/debian-packages debootstrap procps
	@scripts/step "Booting a Debian with it" scripts/systemd-test .build/packages/azimuth_*.deb

# Not of `make test`, for the same reasons. No registry is asked: its Debian is debootstrap's.
container-test: deb
	@scripts/debian-packages debootstrap buildah crun iproute2 procps dnsutils curl
	@scripts/step "Building and running the image" scripts/container-test .build/packages/azimuth_*.deb

# Everything that CI checks, in the order of what fails soonest.
test: lint test-build documentation unit fuzz-briefly end-to-end budgets

lint: toolchain
	@scripts/step "Checking the format" swift format lint --strict --parallel --recursive $(formatted)

# By product: --build-tests would build protoc as well, which comes with SwiftProtobuf and is never run here.
test-build: toolchain
	@scripts/debian-packages $(test_packages)
	@scripts/python-venv .build/python Tests/requirements.txt
	@scripts/step "Building everything (the first time takes some minutes)" \
	  sh -c 'for product in azimuth ResponderRoad azimuthPackageTests; do \
	    $(swift_build) --product $$product || exit; done'

# The reference of all modules, for a browser.
documentation: test-build
	@scripts/step "Making the reference" scripts/documentation .build/documentation

unit: test-build
	@scripts/step "Testing the parts" $(swift_test) --skip EndToEndTests

# One schedule of the simulated control plane, with what happens in it: make simulation SEED=4711
simulation: test-build
	@AZIMUTH_SIMULATION_SEED=$(SEED) $(swift_test) --filter SimulationTests

# Every input that was ever of use, and some seconds of new ones.
fuzz-briefly: toolchain
	@scripts/step "Fuzzing" scripts/fuzz --seconds 5

fuzz: toolchain
	@scripts/step "Fuzzing" scripts/fuzz --seconds $(FUZZ_SECONDS)

# On their own, so that nothing else takes the processor from what they time.
end-to-end: test-build
	@scripts/step "Testing the program end to end" $(swift_test) --filter EndToEndTests

budgets: test-build
	@scripts/step "Checking the budgets" scripts/budgets

# How well measured latencies route: tables and a plot. PLACES and ROUND_TRIPS are files of another
# mesh (Benchmarks/RoutingQuality/README.md); OPTIONS goes to the program as it is.
PLACES ?= Benchmarks/RoutingQuality/azure-regions.csv
ROUND_TRIPS ?= Benchmarks/RoutingQuality/azure-rtt.csv
PEOPLE ?= geodata/people.csv
PLOT ?= .build/routing-quality.svg

quality: toolchain
	@scripts/step "Building" $(swift_build) --product RoutingQuality
	@.build/release/RoutingQuality --places $(PLACES) --round-trips $(ROUND_TRIPS) \
	  --people $(PEOPLE) --plot $(PLOT) $(OPTIONS)

.PHONY: toolchain
toolchain:
	@swift --version 2>/dev/null | grep -Eq 'Swift version (6\.[3-9]|[7-9])' || { \
	  echo "Azimuth needs Swift 6.3 or later (https://swift.org/install); found:" \
	    "$$(swift --version 2>/dev/null | head -n 1 || true)" >&2; exit 1; }
