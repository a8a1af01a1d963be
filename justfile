# The habits of this repository; `just` lists them.

# list the recipes
default:
    @just --list

# all tests, as CI runs them
test:
    .ci/run

# lints of every crate
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# compare the parser with the official test data (cucumber/gherkin, testdata/) in FOLDER
gherkin-testdata FOLDER:
    cargo run -q -p momus-gherkin --example testdata -- {{FOLDER}}

# how long `check` takes over 10,000 scenarios, in release
bench-check:
    cargo bench --locked -q -p momus --bench check

# what the making of a sandbox costs, bare and by Momus, in release
bench-sandbox:
    cargo bench --locked -q -p momus --bench sandbox

# Momus beside cucumber-rs, cucumber-js, behave, Hurl and godog, its edges beside HAProxy and Toxiproxy: bench/RESULTS.md
bench *ARGUMENTS:
    nice -n 10 bench/run {{ARGUMENTS}}

# how many mutants of Olympus' services the features catch, of a sample of COUNT; over an hour for 60
mutants COUNT="60":
    fixtures/olympus/mutants.py {{COUNT}}

# a fuzz target (http, postgres, kafka, kafka_credential, kafka_made, greeting, statsd) over its corpus, until it finds something; `cargo install cargo-fuzz`
fuzz TARGET *ARGUMENTS:
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{TARGET}} fuzz/corpus/{{TARGET}} -- -max_len=4096 {{ARGUMENTS}}

# Olympus' features again and again: `just soak runs 50` (the same verdicts, nothing left), `just soak kills 200` (nothing left 5 s later), `just soak quiet` (waits end with quiet)
soak *ARGUMENTS:
    fixtures/olympus/soak.py {{ARGUMENTS}}
