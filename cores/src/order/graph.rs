//! An order as a drawing: Graphviz DOT, or Mermaid. Members of one level stand side by side: none of them waits for another.

use super::levels::{Levels, levels};
use core::fmt::{Display, Result, Write};
use shared_layouts::Key;
use shared_layouts::scheduler::{Epoch, MAX_MEMBERS, Order};

/// What a drawing needs of an order.
struct Drawing<'a> {
    order: &'a Order,
    epoch: &'a Epoch,
    levels: Levels,
    members: usize,
}

impl<'a> Drawing<'a> {
    fn new(order: &'a Order) -> Self {
        let epoch = &order.epochs[(order.epoch & 1) as usize];
        let members = usize::from(order.members_count).min(MAX_MEMBERS);
        Self { order, epoch, levels: levels(&epoch.masks.predecessors, members), members }
    }

    /// Members of one level.
    fn of_level(&self, level: u8) -> impl Iterator<Item = usize> + '_ {
        (0..self.members).filter(move |member| self.levels.level[*member] == level)
    }

    /// Edges that follow from no others, with the rule of a dead predecessor.
    fn edges(&self) -> impl Iterator<Item = (usize, usize, Rule)> + '_ {
        let before = |member: usize| self.epoch.masks.predecessors[member];
        let pairs = (0..self.members).flat_map(move |to| (0..self.members).map(move |from| (from, to)));
        pairs
            .filter(move |(from, to)| {
                let is_between = |member: usize| before(*to) >> member & 1 == 1 && before(member) >> from & 1 == 1;
                before(*to) >> from & 1 == 1 && !(0..self.members).any(is_between)
            })
            .map(|(from, to)| (from, to, self.rule(from, to)))
    }

    fn rule(&self, from: usize, to: usize) -> Rule {
        match (self.epoch.masks.block[to] >> from & 1, self.epoch.masks.cascade[to] >> from & 1) {
            (1, _) => Rule::Block,
            (_, 1) => Rule::Cascade,
            _ => Rule::Skip,
        }
    }

    /// Neighbours of each chain.
    fn links(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let chains = (0..self.members).map(|member| (member, self.epoch.masks.chain[member]));
        chains.filter(|(first, chain)| chain.trailing_zeros() as usize == *first).flat_map(move |(_, chain)| {
            let members = move || (0..self.members).filter(move |member| chain >> member & 1 == 1);
            members().zip(members().skip(1))
        })
    }

    fn pending(&self, member: usize) -> u32 {
        self.order.epochs.iter().map(|epoch| u32::from(epoch.pending[member])).sum()
    }
}

/// What a dead entry of the first member means for the second.
#[derive(Clone, Copy)]
enum Rule {
    Block,
    Skip,
    Cascade,
}

/// Writes the composition in force as a Graphviz graph. `name` names a capability.
///
/// # Errors
/// What `out` returns.
pub fn write_dot<N: Display>(order: &Order, out: &mut impl Write, name: impl Fn(&Key) -> N) -> Result {
    let drawing = Drawing::new(order);
    writeln!(out, "digraph order {{")?;
    writeln!(out, "  rankdir=LR;\n  node [shape=box];")?;
    writeln!(out, "  label=\"epoch {}, composition {}\";", drawing.epoch.epoch, drawing.epoch.composition)?;
    for level in 0..drawing.levels.count {
        writeln!(out, "  {{ rank=same; // level {level}")?;
        for member in drawing.of_level(level) {
            let record = &order.members[member];
            let (name, pending) = (name(&record.capability), drawing.pending(member));
            writeln!(out, "    m{member} [label=\"{member}: {name}\\nshard {}, {pending} pending\"];", record.shard)?;
        }
        writeln!(out, "  }}")?;
    }
    for (from, to, rule) in drawing.edges() {
        let style = match rule {
            Rule::Block => "style=solid, label=\"block\"",
            Rule::Skip => "style=dashed, label=\"skip\"",
            Rule::Cascade => "style=bold, label=\"cascade\"",
        };
        writeln!(out, "  m{from} -> m{to} [{style}];")?;
    }
    for (last, member) in drawing.links() {
        writeln!(out, "  m{last} -> m{member} [dir=none, style=dotted, constraint=false, label=\"chain\"];")?;
    }
    writeln!(out, "}}")
}

/// Writes the composition in force as a Mermaid flow chart. `name` names a capability.
///
/// # Errors
/// What `out` returns.
pub fn write_mermaid<N: Display>(order: &Order, out: &mut impl Write, name: impl Fn(&Key) -> N) -> Result {
    let drawing = Drawing::new(order);
    writeln!(out, "flowchart LR")?;
    for level in 0..drawing.levels.count {
        writeln!(out, "  subgraph level{level} [level {level}]")?;
        for member in drawing.of_level(level) {
            let record = &order.members[member];
            let (name, pending) = (name(&record.capability), drawing.pending(member));
            writeln!(out, "    m{member}[\"{member}: {name}<br/>shard {}, {pending} pending\"]", record.shard)?;
        }
        writeln!(out, "  end")?;
    }
    for (from, to, rule) in drawing.edges() {
        match rule {
            Rule::Block => writeln!(out, "  m{from} --> m{to}")?,
            Rule::Skip => writeln!(out, "  m{from} -.->|skip| m{to}")?,
            Rule::Cascade => writeln!(out, "  m{from} ==>|cascade| m{to}")?,
        }
    }
    for (last, member) in drawing.links() {
        writeln!(out, "  m{last} ---|chain| m{member}")?;
    }
    Ok(())
}
