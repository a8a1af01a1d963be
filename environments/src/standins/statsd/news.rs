//! Which metrics tell something new: agents and clients flush the same values again and again.

use std::collections::HashMap;

use super::{Kind, Message, Metric, Received, Values};

/// What one service's metrics told last.
#[derive(Debug, Default)]
pub struct News {
    /// The values of gauges and the states of service checks, by what they are of.
    last: HashMap<String, String>,
}

impl News {
    /// Whether a line tells something new: not a gauge or a service check that stands as it stood, nor a counter that
    /// counts nothing.
    pub fn tells(&mut self, received: &Received) -> bool {
        match &received.message {
            Ok(Message::Metric(metric)) => self.tells_metric(metric),
            Ok(Message::ServiceCheck(check)) => {
                let of = format!("{} {:?} {:?}", check.name, check.host, check.tags);
                self.stands_anew(of, format!("{} {:?}", check.status, check.message))
            }
            Ok(Message::Event(_)) | Err(_) => true,
        }
    }

    fn tells_metric(&mut self, metric: &Metric) -> bool {
        let changes = match &metric.values {
            Values::Numbers(numbers) => numbers.iter().any(|number| *number != 0.0),
            Values::Member(_) => true,
        };
        match metric.kind {
            Kind::Counter => changes,
            // A signed value is one as well: unlike statsd, DogStatsD knows no changes of a gauge
            // (https://github.com/DataDog/dd-agent/pull/2104).
            Kind::Gauge => self.stands_anew(of(metric), format!("{:?}", metric.values)),
            Kind::Timing | Kind::Histogram | Kind::Set | Kind::Distribution => true,
        }
    }

    fn stands_anew(&mut self, of: String, state: String) -> bool {
        self.last.get(&of) != Some(&state) && {
            self.last.insert(of, state);
            true
        }
    }
}

/// What a gauge is of.
fn of(metric: &Metric) -> String {
    format!("{} {:?} {:?}", metric.name, metric.container, metric.tags)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::SystemTime;

    use super::super::datagram;
    use super::*;

    fn told(lines: &[&str]) -> Vec<bool> {
        let mut news = News::default();
        let told = lines.iter().flat_map(|line| datagram::parse(line.as_bytes()));
        let told = told.map(|(line, message)| {
            news.tells(&Received {
                at: SystemTime::UNIX_EPOCH,
                from: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
                line,
                message,
            })
        });
        told.collect()
    }

    #[test]
    fn a_gauge_is_news_when_it_changes() {
        let lines = [
            "depth:0|g",
            "depth:0|g",
            "depth:0|g|#shop:1",
            "depth:2|g",
            "depth:2|g",
            "depth:0|g",
        ];
        assert_eq!(told(&lines), [true, false, true, true, false, true]);
        assert_eq!(
            told(&["depth:2|g", "depth:+2|g", "depth:-1|g", "depth:-1|g", "depth:2|g"]),
            [true, false, true, false, true]
        );
    }

    #[test]
    fn a_counter_is_news_when_it_counts() {
        assert_eq!(
            told(&["orders:0|c", "orders:1|c", "orders:1|c", "orders:0:2|c"]),
            [false, true, true, true]
        );
    }

    #[test]
    fn a_service_check_is_news_when_its_state_changes_and_everything_else_always() {
        assert_eq!(
            told(&["_sc|up|0", "_sc|up|0", "_sc|up|2|m:no route", "_sc|up|2"]),
            [true, false, true, true]
        );
        let lines = [
            "took:0|ms",
            "took:0|ms",
            "size:0|h",
            "size:0|d",
            "users:7|s",
            "users:7|s",
            "_e{1,1}:a|b",
            "nonsense",
        ];
        assert!(told(&lines).iter().all(|news| *news));
    }
}
