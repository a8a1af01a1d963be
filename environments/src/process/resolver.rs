//! Who answers questions for names inside walls: a stub resolver that knows the service's edges (RFC 1035).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::net::UdpSocket;

/// How long an answer may be kept, in seconds: the addresses stay as long as the walls do.
const KEPT: u32 = 60;

/// The longest question that is read, in bytes.
const LONGEST: usize = 1232;

/// Answers until it is given up; each name that no edge has is told once.
pub(super) async fn answer(socket: Arc<UdpSocket>, names: BTreeMap<String, Ipv4Addr>, unknown: impl Fn(&str) + Send) {
    let mut told = BTreeSet::new();
    let mut question = vec![0; LONGEST];
    loop {
        // An error is about an answer that nobody took.
        let Ok((length, from)) = socket.recv_from(&mut question).await else {
            continue;
        };
        let Some((answer, missing)) = question.get(..length).and_then(|question| reply(question, &names)) else {
            continue;
        };
        if let Some(name) = missing
            && told.insert(name.clone())
        {
            unknown(&name);
        }
        // Who does not read the answer asks again.
        drop(socket.send_to(&answer, from).await);
    }
}

/// The answer to a question, and its name if there is none of that name.
fn reply(question: &[u8], names: &BTreeMap<String, Ipv4Addr>) -> Option<(Vec<u8>, Option<String>)> {
    let asked = Packet::parse(question).ok()?;
    let mut answer = Packet::new_reply(asked.id());
    answer.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
    if asked.has_flags(PacketFlag::RECURSION_DESIRED) {
        answer.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    let mut missing = None;
    for question in &asked.questions {
        let name = question.qname.to_string().to_lowercase();
        match names.get(&name) {
            Some(address) => {
                let wanted = matches!(question.qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY);
                if wanted && matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
                    let name = Name::new(&name).ok()?.into_owned();
                    let data = RData::A(A {
                        address: (*address).into(),
                    });
                    answer.answers.push(ResourceRecord::new(name, CLASS::IN, KEPT, data));
                }
            }
            None => {
                *answer.rcode_mut() = RCODE::NameError;
                missing = Some(name);
            }
        }
        answer.questions.push(question.clone());
    }
    Some((answer.build_bytes_vec().ok()?, missing))
}

#[cfg(test)]
mod tests {
    use simple_dns::Question;

    use super::*;

    fn asked(name: &str, kind: TYPE) -> (RCODE, Vec<Ipv4Addr>, Option<String>) {
        let names = BTreeMap::from([("kafka".to_owned(), Ipv4Addr::new(127, 77, 0, 1))]);
        let mut packet = Packet::new_query(7);
        let question = Question::new(
            Name::new(name).unwrap(),
            QTYPE::TYPE(kind),
            QCLASS::CLASS(CLASS::IN),
            false,
        );
        packet.questions.push(question);
        let (answer, missing) = reply(&packet.build_bytes_vec().unwrap(), &names).unwrap();
        let answer = Packet::parse(&answer).unwrap();
        assert_eq!((answer.id(), answer.questions.len()), (7, 1));
        let addresses = answer.answers.iter().map(|record| match &record.rdata {
            RData::A(A { address }) => Ipv4Addr::from(*address),
            other => panic!("{other:?}"),
        });
        (answer.rcode(), addresses.collect(), missing)
    }

    #[test]
    fn the_name_of_an_edge_is_answered_and_any_other_is_none() {
        let address = Ipv4Addr::new(127, 77, 0, 1);
        assert_eq!(asked("Kafka", TYPE::A), (RCODE::NoError, vec![address], None));
        assert_eq!(asked("kafka", TYPE::AAAA), (RCODE::NoError, Vec::new(), None));
        let missing = asked("api.example.com", TYPE::A);
        assert_eq!(
            missing,
            (RCODE::NameError, Vec::new(), Some("api.example.com".to_owned()))
        );
    }

    #[test]
    fn what_is_no_question_is_left_aside() {
        assert!(reply(b"GET / HTTP/1.1", &BTreeMap::new()).is_none());
    }
}
