//! Drawings: every edge that follows from no others, and every member once, in its level.

use cores::order::{Effective, compose, epochs, write_dot, write_mermaid};
use shared_layouts::scheduler::{Constraint, Order, OrderMember, constraint_kind, when_dead};

fn order() -> Order {
    let edge = |from, to, when_dead| Constraint { from, to, kind: 1, when_dead, shard: 0, status: 3, weight: 1 };
    let link = |from, to| Constraint { kind: constraint_kind::SEQUENTIAL, ..edge(from, to, when_dead::BLOCK) };
    let constraints = [
        edge(0, 1, when_dead::CASCADE),
        edge(1, 2, when_dead::SKIP),
        link(2, 3),
        link(3, 5),
        edge(1, 4, when_dead::CASCADE),
        // Follows from the others.
        edge(0, 3, when_dead::BLOCK),
    ];
    let mut order: Order = bytemuck::Zeroable::zeroed();
    order.epoch = 1;
    order.epochs[1].epoch = 1;
    order.members_count = 6;
    for (place, number) in order.members.iter_mut().zip(0..6) {
        *place = OrderMember { capability: [number; 32], shard: number % 2, ..bytemuck::Zeroable::zeroed() };
    }
    let mut effective = Effective::of_members(6);
    effective.take(&constraints);
    let mut composition = bytemuck::Zeroable::zeroed();
    compose(&effective, &mut composition).expect("no contradiction");
    epochs::recompose(&mut order, &composition).expect("drained");
    epochs::enter(&mut order, 1).expect("there is room");
    order
}

#[test]
fn a_drawing_shows_levels_edges_chains_and_what_is_pending() {
    let (mut dot, mut mermaid) = (String::new(), String::new());
    write_dot(&order(), &mut dot, |key| format!("c{}", key[0])).expect("a string takes all");
    write_mermaid(&order(), &mut mermaid, |key| format!("c{}", key[0])).expect("a string takes all");
    let edges: Vec<&str> = dot.lines().filter(|line| line.contains("->")).collect();
    assert_eq!(
        edges,
        [
            "  m0 -> m1 [style=bold, label=\"cascade\"];",
            "  m1 -> m2 [style=dashed, label=\"skip\"];",
            "  m2 -> m3 [style=solid, label=\"block\"];",
            "  m1 -> m4 [style=bold, label=\"cascade\"];",
            "  m3 -> m5 [style=solid, label=\"block\"];",
            "  m2 -> m3 [dir=none, style=dotted, constraint=false, label=\"chain\"];",
            "  m3 -> m5 [dir=none, style=dotted, constraint=false, label=\"chain\"];",
        ]
    );
    let levels: Vec<&str> = dot.split("rank=same; // level ").skip(1).collect();
    assert_eq!(levels.len(), 5);
    assert!(levels[0].contains("m0 [label=\"0: c0\\nshard 0, 0 pending\"]"));
    assert!(levels[1].contains("m1 [label=\"1: c1\\nshard 1, 1 pending\"]"));
    assert!(levels[2].contains("m2 [") && levels[2].contains("m4 ["));
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
    let edges: Vec<&str> = mermaid.lines().filter(|line| line.contains('>') && !line.contains('[')).collect();
    assert_eq!(
        edges,
        ["  m0 ==>|cascade| m1", "  m1 -.->|skip| m2", "  m2 --> m3", "  m1 ==>|cascade| m4", "  m3 --> m5"]
    );
    assert_eq!(mermaid.matches("subgraph").count(), mermaid.matches("\n  end").count());
    let links: Vec<&str> = mermaid.lines().filter(|line| line.contains("|chain|")).collect();
    assert_eq!(links, ["  m2 ---|chain| m3", "  m3 ---|chain| m5"]);
}
