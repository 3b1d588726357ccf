# shellcheck shell=bash
# What the build is pinned to and where it is kept. Sourced by `justw`, which installs these tools, and by
# `scripts/sbf` and `scripts/mutants`, which use them.
# shellcheck disable=SC2034  # each variable is used by one of these, not here

just_version=1.59.0
linker_version=0.2.6
solana_version=4.2.2
mutants_version=27.1.0
# Oldest major version of an Agave CLI on PATH that is used instead; `valence deploy` asks for the same.
solana_oldest_major=3

# Debian's compiler brings a prebuilt `core` for BPF; rustup's does not.
bpf_rustc=/usr/bin/rustc
bpf_core=/usr/lib/rustlib/bpfel-unknown-none/lib
bpf_clippy=/usr/bin/cargo-clippy

tools=${VALENCE_TOOLS:-$HOME/.cache/valence-tools}
just_bin=$tools/just-$just_version/bin/just

solana_bin=$tools/solana-cli-$solana_version/bin/solana
mutants_bin=$tools/cargo-mutants-$mutants_version/bin/cargo-mutants

# solana_suits <binary>: whether it is an Agave CLI that is new enough.
solana_suits() {
    local major
    major=$("$1" --version 2>/dev/null | sed -n 's/^solana-cli \([0-9]*\)\..*/\1/p')
    [[ -n $major ]] && ((major >= solana_oldest_major))
}

# The linker runs the LLVM that the compiler emits for, so its folder is named after that LLVM's major.
llvm_major() {
    "$bpf_rustc" -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p'
}

# linker_folder <LLVM major>
linker_folder() {
    printf '%s/sbpf-linker-%s-llvm%s' "$tools" "$linker_version" "$1"
}

# Puts rustup's cargo first, also where the login shell has not.
find_cargo() {
    local folder=${CARGO_HOME:-$HOME/.cargo}/bin
    if [[ -x $folder/cargo ]]; then
        PATH=$folder:$PATH
    fi
    export PATH
    command -v cargo >/dev/null
}
