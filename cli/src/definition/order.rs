//! Definitions of an order: whom it invites, and what a shard asks of it.

use super::operations::CapabilityName;
use super::{Definition, Step};
use crate::address::Named;
use serde::Deserialize;
use shared_layouts::scheduler::{
    MAX_CONSTRAINTS, MAX_MEMBERS, MAX_ORDER_SHARDS, MAX_PATIENCE_SECONDS, composition_mode, constraint_kind, when_dead,
};

/// An order as its opener states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// How long a held or dead member may stop the others.
    pub patience_seconds: u32,
    #[serde(default)]
    mode: Mode,
    /// The opener first.
    pub shards: Vec<Invitation>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Strict,
    Weighted,
}

/// An invited shard.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// Number, or address in quotes.
    pub shard: CapabilityName,
    /// Weight of its constraints.
    #[serde(default = "one")]
    pub weight: u16,
    /// Most capabilities that it brings in.
    pub max_members: u8,
    /// Most constraints that it submits.
    pub max_constraints: u16,
}

const fn one() -> u16 {
    1
}

impl Definition for Order {
    fn fault(&self) -> Option<(Vec<Step>, String)> {
        let at = |name, fault: String| Some((vec![Step::Field(name)], fault));
        if self.patience_seconds == 0 || self.patience_seconds > MAX_PATIENCE_SECONDS {
            return at("patience_seconds", format!("1 to {MAX_PATIENCE_SECONDS}"));
        }
        if self.shards.is_empty() || self.shards.len() > MAX_ORDER_SHARDS {
            return at("shards", format!("1 to {MAX_ORDER_SHARDS}, the opener first"));
        }
        let members: usize = self.shards.iter().map(|shard| usize::from(shard.max_members)).sum();
        let constraints: usize = self.shards.iter().map(|shard| usize::from(shard.max_constraints)).sum();
        if members > MAX_MEMBERS || constraints > MAX_CONSTRAINTS {
            return at("shards", format!("together at most {MAX_MEMBERS} members and {MAX_CONSTRAINTS} constraints"));
        }
        let place = self.shards.iter().position(|shard| shard.weight == 0)?;
        Some((vec![Step::Field("shards"), Step::Place(place), Step::Field("weight")], "at least 1".into()))
    }
}

impl Order {
    /// `composition_mode`.
    pub const fn mode(&self) -> u8 {
        match self.mode {
            Mode::Strict => composition_mode::STRICT,
            Mode::Weighted => composition_mode::WEIGHTED,
        }
    }
}

/// A shard's constraint set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraints {
    /// Capabilities of the shard that shall be members.
    #[serde(default)]
    pub members: Vec<CapabilityName>,
    /// From the heaviest to the lightest, whatever their order in the file.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Before,
    After,
    Sequential,
    Concurrent,
    Priority,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhenDead {
    Block,
    Skip,
    Cascade,
}

/// One constraint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    kind: Kind,
    capability: CapabilityName,
    /// The other one; none for a priority.
    other: Option<CapabilityName>,
    when_dead: Option<WhenDead>,
    level: Option<u8>,
    #[serde(default = "one")]
    weight: u16,
}

impl Definition for Constraints {
    fn fault(&self) -> Option<(Vec<Step>, String)> {
        self.constraints.iter().enumerate().find_map(|(place, constraint)| {
            let (field, fault) = constraint.fault()?;
            Some((vec![Step::Field("constraints"), Step::Place(place), Step::Field(field)], fault.to_owned()))
        })
    }
}

impl Constraint {
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_edge = matches!(self.kind, Kind::Before | Kind::After | Kind::Sequential);
        if (self.kind == Kind::Priority) == self.other.is_some() {
            return Some(("other", "the second capability: needed by every kind but priority"));
        }
        if (self.kind == Kind::Priority) != self.level.is_some() {
            return Some(("level", "needed by the kind priority, and by no other"));
        }
        if self.level.is_some_and(|level| level > 15) {
            return Some(("level", "levels are 0 to 15"));
        }
        if !is_edge && self.when_dead.is_some() {
            return Some(("when_dead", "only before, after and sequential make entries wait"));
        }
        (self.weight == 0).then_some(("weight", "at least 1"))
    }

    /// The capabilities that it names.
    pub fn named(&self) -> (Named, Option<Named>) {
        (self.capability.0, self.other.map(|other| other.0))
    }

    /// Weight, kind, and what a dead entry means, as the instruction takes them.
    pub const fn codes(&self) -> (u16, u8, u8) {
        let kind = match self.kind {
            Kind::Before => constraint_kind::BEFORE,
            Kind::After => constraint_kind::AFTER,
            Kind::Sequential => constraint_kind::SEQUENTIAL,
            Kind::Concurrent => constraint_kind::CONCURRENT,
            Kind::Priority => constraint_kind::PRIORITY,
        };
        let dead = match self.when_dead {
            None | Some(WhenDead::Block) => when_dead::BLOCK,
            Some(WhenDead::Skip) => when_dead::SKIP,
            Some(WhenDead::Cascade) => when_dead::CASCADE,
        };
        (self.weight, kind, dead)
    }

    /// Level of a priority.
    pub const fn level(&self) -> Option<u8> {
        self.level
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn what_does_not_fit_an_order_is_reported_with_line_and_field() {
        let shard = "[[shards]]\nshard = 0\nmax_members = 8\nmax_constraints = 9\n";
        assert_eq!(parse::<Order>(&format!("patience_seconds = 60\n{shard}"), false).unwrap().mode(), 0);
        for (text, expected) in [
            (format!("patience_seconds = 0\n{shard}"), "1: patience_seconds: 1 to 2592000"),
            ("patience_seconds = 9\nshards = []\n".to_owned(), "2: shards: 1 to 16, the opener first"),
            (format!("patience_seconds = 9\n{shard}weight = 0\n"), "6: shards[0].weight: at least 1"),
            (
                format!("patience_seconds = 9\n{}", shard.replace("= 8", "= 65")),
                "2: shards: together at most 64 members and 256 constraints",
            ),
        ] {
            assert_eq!(parse::<Order>(&text, false).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_does_not_fit_a_constraint_is_reported_with_line_and_field() {
        for (text, expected) in [
            ("kind = 'before'\n", "1: constraints[0].other: the second capability: needed by every kind but priority"),
            ("kind = 'priority'\n", "1: constraints[0].level: needed by the kind priority, and by no other"),
            ("kind = 'priority'\nlevel = 16\n", "4: constraints[0].level: levels are 0 to 15"),
            (
                "kind = 'concurrent'\nother = 2\nwhen_dead = 'skip'\n",
                "5: constraints[0].when_dead: only before, after and sequential make entries wait",
            ),
            ("kind = 'after'\nother = 2\nweight = 0\n", "5: constraints[0].weight: at least 1"),
        ] {
            let fault = parse::<Constraints>(&format!("[[constraints]]\ncapability = 1\n{text}"), false).unwrap_err();
            assert_eq!(fault, expected);
        }
    }

    #[test]
    fn constraints_name_capabilities_and_become_codes() {
        let text = "members = [1, 2]\n[[constraints]]\nkind = 'sequential'\ncapability = 1\nother = 2\n\
                    when_dead = 'cascade'\nweight = 7\n";
        let set: Constraints = parse(text, false).unwrap();
        assert_eq!(set.constraints[0].named(), (Named::Number(1), Some(Named::Number(2))));
        assert_eq!(set.constraints[0].codes(), (7, constraint_kind::SEQUENTIAL, when_dead::CASCADE));
        assert_eq!(set.members.len(), 2);
    }
}
