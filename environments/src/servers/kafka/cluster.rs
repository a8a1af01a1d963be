//! The configuration of a node, its credential aside.

use std::fmt::Write as _;
use std::path::Path;

use super::node::Seat;
use super::ports::Ports;

/// That of a broker of one node; what is written behind it counts in place of what stands there.
pub(super) const PROPERTIES: &str = include_str!("server.properties");

/// More replicas than these nobody needs.
const MOST_REPLICAS: usize = 3;

/// The configuration of the node in this seat.
pub(super) fn properties(data: &Path, ports: Ports, seat: Seat) -> String {
    let open = ports
        .open
        .map_or_else(String::new, |port| format!(",OPEN://127.0.0.1:{port}"));
    let controller = match seat.id {
        1 => format!(",CONTROLLER://127.0.0.1:{}", seat.controller),
        _ => String::new(),
    };
    let broker = format!("BROKER://127.0.0.1:{}", ports.broker);
    let alone = format!(
        "{PROPERTIES}log.dirs={}\n\
         listeners={broker}{controller}{open}\n\
         advertised.listeners={broker}{open}\n\
         controller.quorum.voters=1@127.0.0.1:{}\n",
        data.display(),
        seat.controller
    );
    match seat.of {
        1 => alone,
        _ => alone + &of_several(seat),
    }
}

/// What one of several nodes has otherwise: what is written is replicated, and a node that says nothing is soon taken for dead.
fn of_several(Seat { id, of, .. }: Seat) -> String {
    let replicas = of.min(MOST_REPLICAS);
    // Of three replicas one may die, and of two as well.
    let in_sync = replicas.div_ceil(2);
    let mut text = format!(
        "node.id={id}\n\
         broker.session.timeout.ms=3000\n\
         broker.heartbeat.interval.ms=500\n\
         default.replication.factor={replicas}\n\
         min.insync.replicas={in_sync}\n\
         offsets.topic.num.partitions={of}\n\
         offsets.topic.replication.factor={replicas}\n"
    );
    for topic in ["transaction.state.log", "share.coordinator.state.topic"] {
        // A String takes all that is written.
        let _ = write!(
            text,
            "{topic}.num.partitions={of}\n\
             {topic}.replication.factor={replicas}\n\
             {topic}.min.isr={in_sync}\n"
        );
    }
    if id > 1 {
        text.push_str("process.roles=broker\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PORTS: Ports = Ports {
        broker: 7001,
        controller: 7002,
        open: None,
    };

    /// What counts where something is written twice: the last.
    fn settings(id: usize, of: usize) -> BTreeMap<String, String> {
        let controller = 9;
        let text = properties(Path::new("/data"), PORTS, Seat { id, of, controller });
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn one_node_replicates_nothing_and_is_its_own_controller() {
        let alone = settings(1, 1);
        assert_eq!(alone["process.roles"], "broker,controller");
        assert_eq!(alone["listeners"], "BROKER://127.0.0.1:7001,CONTROLLER://127.0.0.1:9");
        assert_eq!(alone["default.replication.factor"], "1");
        assert!(!alone.contains_key("broker.session.timeout.ms"));
    }

    #[test]
    fn of_two_and_of_three_nodes_one_may_die() {
        for (of, replicas, in_sync) in [(2, "2", "1"), (3, "3", "2"), (9, "3", "2")] {
            let second = settings(2, of);
            assert_eq!(
                (second["node.id"].as_str(), second["process.roles"].as_str()),
                ("2", "broker")
            );
            assert_eq!(second["listeners"], "BROKER://127.0.0.1:7001");
            assert_eq!(second["controller.quorum.voters"], "1@127.0.0.1:9");
            for key in ["default", "offsets.topic", "transaction.state.log"] {
                assert_eq!(second[&format!("{key}.replication.factor")], replicas, "{key} of {of}");
            }
            for key in ["min.insync.replicas", "transaction.state.log.min.isr"] {
                assert_eq!(second[key], in_sync, "{key} of {of}");
            }
            assert_eq!(settings(1, of)["process.roles"], "broker,controller");
        }
    }
}
