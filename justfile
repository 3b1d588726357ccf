# Run these as `./justw <recipe>`: the wrapper brings every tool that they need.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Lists the recipes
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Builds the programs and the test programs for sBPF, into target/deploy
[group('build')]
build:
    @scripts/sbf build

# Builds the three programs with Agave's own `cargo build-sbf`, into target/build-sbf
[group('build')]
build-sbf:
    @scripts/build-sbf

# Builds the three programs in another folder as well, and fails unless they are the same to the byte
[group('build')]
reproduce: build
    @scripts/sbf reproduce

# Writes docs/reference.md from the declarations
[group('build')]
docs:
    @cd programs && cargo run --quiet --package shared-layouts --example reference

# Fails where docs/reference.md is not what the declarations say
[group('style')]
docs-check:
    @cd programs && cargo run --quiet --package shared-layouts --example reference -- --check

# Runs every test: host crates in both workspaces, the programs in their virtual machines
[group('test')]
test: build
    cd programs && ../scripts/run-tests --all-features
    scripts/run-tests

# Runs one operation through all three programs, and says what happens
[group('test')]
demo: build
    @cargo run --quiet --package demo

# Drives the built binary against a real RPC server: deploys, defines, queues, runs two keepers, and all that goes wrong
[group('test')]
e2e: build
    cargo build --quiet --package valence-cli
    cd e2e && CARGO_TARGET_DIR=../target/e2e cargo build --quiet --features server
    cd e2e && CARGO_TARGET_DIR=../target/e2e cargo test --quiet

# Lets a Prometheus scrape a running monitor until an alert fires, and looks at its status page in a browser
[group('test')]
operations: build
    promtool check rules monitoring/alerts.yml
    cargo build --quiet --package valence-cli
    cd e2e && CARGO_TARGET_DIR=../target/e2e cargo build --quiet --features server
    cd e2e && CARGO_TARGET_DIR=../target/e2e cargo test --quiet --features operations --test monitor

# Builds, deploys or upgrades the three programs on a cluster, and initializes them
[group('deploy')]
deploy cluster="localhost" *options: build
    cargo run --quiet --package valence-cli -- --url {{ quote(cluster) }} deploy {{ options }}

# Measures every row and writes bench/results
[group('bench')]
bench: build
    @cargo run --quiet --package bench -- measure

# Measures every row and fails where it exceeds its budget or differs from bench/results
[group('bench')]
bench-check: build
    @cargo run --quiet --package bench -- check

# Says where the units of six instructions go, and writes bench/results/profile.md and .svg
[group('bench')]
profile:
    @scripts/sbf profile
    @VALENCE_PROGRAMS="$PWD/target/profile/deploy" SBF_TRACE_DIR="$PWD/target/profile/traces" \
        cargo run --quiet --package bench --features profile --bin profile

# Measures an order book's changes at the three diff levels, and writes bench/results/diff_levels.md and .svg
[group('bench')]
diff-levels: build
    @cargo run --quiet --package bench --bin diff_levels

# Fuzzes the cores of diff, queue and order for so many seconds a target, and keeps what covers more in fuzz/corpus
[group('test')]
fuzz seconds="60":
    scripts/fuzz wire {{ seconds }}
    scripts/fuzz apply {{ seconds }}
    scripts/fuzz queue {{ seconds }}
    scripts/fuzz order {{ seconds }}

# Computes operations per second from bench/results with the runtime's cost model, and writes docs/throughput.md and .svg
[group('bench')]
throughput: build
    cd throughput && CARGO_TARGET_DIR=../target cargo run --quiet

# Takes 200,000 operations through 16 shards in simulated time, and writes bench/results/soak.md
[group('test')]
soak operations="200000" seed="1": build
    @cargo run --quiet --package soak -- {{ operations }} {{ seed }}

# Runs random sequences of instructions on the built programs, with every rule checked after each; prints the seed of each
[group('test')]
fuzz-programs seeds="100": build
    @cargo run --quiet --package soak -- seeds {{ seeds }}

# Changes the cores in one place after the other, wants a test to fail for each, and writes docs/mutants.md
[group('test')]
mutants:
    scripts/mutants all

# The same, only on lines that differ from the versions in docs/mutants.md; writes nothing
[group('test')]
mutants-changed:
    @scripts/mutants changed

# Formats every crate
[group('style')]
fmt:
    cargo fmt --all
    cd programs && cargo fmt --all
    cd e2e && cargo fmt
    cd throughput && cargo fmt

# Fails where a crate is not formatted
[group('style')]
fmt-check:
    cargo fmt --all --check
    cd programs && cargo fmt --all --check
    cd e2e && cargo fmt --check
    cd throughput && cargo fmt --check

# Lints every crate, for this machine and for sBPF, warnings denied
[group('style')]
clippy:
    cargo clippy --quiet --workspace --all-targets -- -D warnings
    cd programs && cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings
    cd e2e && CARGO_TARGET_DIR=../target/e2e cargo clippy --quiet --all-targets --features operations -- -D warnings
    scripts/sbf clippy

# Checks the rules of style that no compiler knows, and that each of the checks can fail
[group('style')]
tidy:
    @scripts/tidy --self-test
    @scripts/tidy

# Everything that must hold before a commit, in order, with the time that each step took
[group('ci')]
ci:
    @scripts/steps "{{ just_executable() }}" fmt-check tidy docs-check clippy build reproduce test bench-check demo e2e
