//! Which partitions the groups' members seen on an edge are assigned.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Partition;

/// A topic, as an assignment names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// By its name in the mesh.
    Name(String),
    /// By the broker's id of it.
    Id(Uuid),
}

/// The members of groups, and the names of topics that their assignments may name by id.
#[derive(Default)]
pub(crate) struct Members {
    /// By group and member id.
    assignments: BTreeMap<(String, String), Vec<(Topic, i32)>>,
    names: BTreeMap<Uuid, String>,
}

impl Members {
    /// Sets all that a member is assigned.
    pub fn assign(&mut self, group: &str, member: &str, partitions: Vec<(Topic, i32)>) {
        self.assignments
            .insert((group.to_owned(), member.to_owned()), partitions);
    }

    /// The member has nothing any more.
    pub fn leave(&mut self, group: &str, member: &str) {
        self.assignments.remove(&(group.to_owned(), member.to_owned()));
    }

    /// No member has anything any more.
    pub fn forget(&mut self) {
        self.assignments.clear();
    }

    /// Learns which topic an id is.
    pub fn name(&mut self, id: Uuid, name: &str) {
        if !id.is_nil() && self.names.get(&id).is_none_or(|known| known != name) {
            self.names.insert(id, name.to_owned());
        }
    }

    /// The name of a topic with this id, if one passed by.
    pub fn name_of(&self, id: &Uuid) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// The partitions that are assigned to any member of a group, by group; those of topics whose names are not known yet
    /// left out.
    pub fn assigned(&self) -> BTreeMap<String, BTreeSet<Partition>> {
        let named = |(topic, partition): &(Topic, i32)| {
            let name = match topic {
                Topic::Name(name) => name,
                Topic::Id(id) => self.names.get(id)?,
            };
            Some((name.clone(), *partition))
        };
        let mut assigned: BTreeMap<String, BTreeSet<Partition>> = BTreeMap::new();
        for ((group, _), partitions) in &self.assignments {
            let partitions = partitions.iter().filter_map(named);
            assigned.entry(group.clone()).or_default().extend(partitions);
        }
        assigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(members: &Members) -> usize {
        members.assigned().values().flatten().count()
    }

    #[test]
    fn an_assignment_by_id_counts_once_its_name_is_known() {
        let id = Uuid::from_u128(7);
        let mut members = Members::default();
        members.assign("billing", "a", vec![(Topic::Id(id), 0), (Topic::Id(id), 1)]);
        assert_eq!(count(&members), 0);
        members.name(id, "orders.v1");
        assert_eq!(count(&members), 2);
        members.leave("billing", "a");
        assert_eq!(count(&members), 0);
    }

    #[test]
    fn two_members_are_known_together_and_forgotten_together() {
        let mut members = Members::default();
        members.assign("billing", "a", vec![(Topic::Name("orders.v1".to_owned()), 0)]);
        members.assign("billing", "b", vec![(Topic::Name("orders.v1".to_owned()), 1)]);
        assert_eq!(count(&members), 2);
        members.forget();
        assert_eq!(count(&members), 0);
    }
}
