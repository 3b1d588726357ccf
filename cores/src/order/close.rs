//! The transitive closure, and the rule of a dead predecessor along it.
//!
//! Members are taken in a topological order (Kahn, "Topological sorting of large networks", 1962), so that one look at each
//! edge closes everything: what stands before `from` stands before `to`.
//!
//! The rule of a path is that of its first edge that does not say cascade; if all say so, it is cascade. That is what
//! happens at the first member of the path that does not die: it waits (block) or goes ahead (skip). Of several paths
//! between two members the one that blocks is obeyed first, then the one that kills; a dead entry is skipped only if
//! every path says so.

use super::sets::{Edge, Effective};
use super::{Contradiction, ContradictionKind};
use shared_layouts::scheduler::{Composition, MAX_CONSTRAINTS, MAX_MEMBERS, constraint_kind, when_dead};

/// The bit that only links have among the kinds of a composition; of assertions it is their whole kind.
const CHAINS: u8 = constraint_kind::SEQUENTIAL & !constraint_kind::BEFORE;
/// Ends a list of edges.
const NO_EDGE: u16 = u16::MAX;

/// Edges by the member that they leave, as linked lists.
struct Edges {
    /// First edge of each member.
    first: [u16; MAX_MEMBERS],
    /// Edge after each edge.
    next: [u16; MAX_CONSTRAINTS],
    /// Edges into each member.
    incoming: [u16; MAX_MEMBERS],
}

#[inline(never)]
pub(super) fn close(effective: &Effective, out: &mut Composition) -> Result<(), Contradiction> {
    *out = bytemuck::Zeroable::zeroed();
    let mut edges =
        Edges { first: [NO_EDGE; MAX_MEMBERS], next: [NO_EDGE; MAX_CONSTRAINTS], incoming: [0; MAX_MEMBERS] };
    let mut kinds = 0;
    let mut next = 0u16;
    for edge in effective.edges() {
        let place = next;
        next = next.wrapping_add(1);
        kinds |= edge.kind();
        if edge.is_edge() {
            edges.next[usize::from(place) % MAX_CONSTRAINTS] = edges.first[edge.from()];
            edges.first[edge.from()] = place;
            edges.incoming[edge.to()] = edges.incoming[edge.to()].wrapping_add(1);
        }
    }
    if sweep(effective, &mut edges, out) != effective.members() {
        return Err(cycle(effective, &edges));
    }
    if kinds & constraint_kind::CONCURRENT != 0 {
        check_assertions(effective, out)?;
    }
    if kinds & CHAINS != 0 {
        join_chains(effective, out);
    }
    Ok(())
}

/// Takes the members in a topological order and returns how many could be taken; those on a cycle, and after one, cannot.
#[inline(always)]
fn sweep(effective: &Effective, edges: &mut Edges, out: &mut Composition) -> usize {
    let mut queue = [0u16; MAX_MEMBERS];
    let mut queued: usize = 0;
    let mut member = 0u16;
    for incoming in edges.incoming.get(..effective.members()).unwrap_or(&edges.incoming) {
        if *incoming == 0 {
            queue[queued % MAX_MEMBERS] = member;
            queued = queued.wrapping_add(1);
        }
        member = member.wrapping_add(1);
    }
    let mut done: usize = 0;
    while done < queued {
        let from = usize::from(queue[done % MAX_MEMBERS]) % MAX_MEMBERS;
        done = done.wrapping_add(1);
        let itself = 1u64 << from;
        let before = out.predecessors[from] | itself;
        let blocking = out.block[from];
        let killing = out.cascade[from] | itself;
        let ending = blocking | killing;
        let mut place = usize::from(edges.first[from]);
        while let Some(edge) = effective.edges().get(place) {
            let to = edge.to();
            out.predecessors[to] |= before;
            match edge.when_dead() {
                when_dead::BLOCK => out.block[to] |= ending,
                when_dead::CASCADE => {
                    out.block[to] |= blocking;
                    out.cascade[to] |= killing;
                }
                _ => out.block[to] |= blocking,
            }
            let left = edges.incoming[to].wrapping_sub(1);
            edges.incoming[to] = left;
            if left == 0 {
                queue[queued % MAX_MEMBERS] = edge.to_bit();
                queued = queued.wrapping_add(1);
            }
            place = usize::from(edges.next[place % MAX_CONSTRAINTS]);
        }
    }
    done
}

/// Finds one cycle among the members that the sweep could not take: each of them has a predecessor among them, so going
/// back from one to the next comes round.
#[cold]
#[inline(never)]
fn cycle(effective: &Effective, edges: &Edges) -> Contradiction {
    let is_left = |member: usize| edges.incoming[member % MAX_MEMBERS] > 0;
    let is_into = |edge: &Edge, member| edge.is_edge() && edge.to() == member;
    let back = |member: usize| {
        let into = effective.edges().iter().filter(|edge| is_into(edge, member));
        into.map(|edge| edge.from()).find(|from| is_left(*from)).unwrap_or(member)
    };
    let mut at = edges.incoming.iter().position(|incoming| *incoming > 0).unwrap_or(0);
    for _ in 0..effective.members() {
        at = back(at);
    }
    let mut members = 0u64;
    while members >> (at % MAX_MEMBERS) & 1 == 0 {
        members |= 1 << (at % MAX_MEMBERS);
        at = back(at);
    }
    Contradiction { kind: ContradictionKind::Cycle, members }
}

/// Checks that no member asserted to be free of another has to wait for it.
#[inline(never)]
fn check_assertions(effective: &Effective, out: &Composition) -> Result<(), Contradiction> {
    for assertion in effective.edges().iter().filter(|edge| edge.kind() == constraint_kind::CONCURRENT) {
        let (one, other) = (assertion.from(), assertion.to());
        if out.predecessors[other] >> one & 1 == 1 {
            return Err(path(one, other, out));
        }
        if out.predecessors[one] >> other & 1 == 1 {
            return Err(path(other, one, out));
        }
    }
    Ok(())
}

/// The members on the paths from one member to another.
#[cold]
#[inline(never)]
fn path(from: usize, to: usize, out: &Composition) -> Contradiction {
    let mut members = 1u64 << from | 1 << to;
    for (member, before) in out.predecessors.iter().enumerate() {
        if before >> from & 1 == 1 && out.predecessors[to] >> member & 1 == 1 {
            members |= 1 << member;
        }
    }
    Contradiction { kind: ContradictionKind::NotConcurrent, members }
}

/// Joins the links to chains: members that links connect are one chain.
#[inline(never)]
fn join_chains(effective: &Effective, out: &mut Composition) {
    for link in effective.edges().iter().filter(|edge| edge.kind() == constraint_kind::SEQUENTIAL) {
        let (from, to) = (link.from(), link.to());
        let chain = out.chain[from] | out.chain[to] | 1 << from | 1 << to;
        // Members of one chain have the same mask.
        if out.chain[from] == chain {
            continue;
        }
        for (member, place) in out.chain.iter_mut().enumerate() {
            if chain >> member & 1 == 1 {
                *place = chain;
            }
        }
    }
}
