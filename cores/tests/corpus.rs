//! Replays what the fuzzer found worth keeping; no fuzzing tool is needed. `scripts/fuzz` adds to it.

#[path = "queue/invariants.rs"]
mod invariants;
#[path = "../../fuzz/src/more_targets.rs"]
mod more_targets;
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::{fs, path::Path};

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        println!("{}", path.display());
        target(&fs::read(&path).expect("a readable input"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn the_corpus_of_wire_holds() {
    replay("wire", targets::wire);
}

#[test]
fn the_corpus_of_apply_holds() {
    replay("apply", targets::apply);
}

#[test]
fn the_corpus_of_queue_holds() {
    replay("queue", more_targets::queue);
}

#[test]
fn the_corpus_of_order_holds() {
    replay("order", more_targets::order);
}
