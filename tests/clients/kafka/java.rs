//! Java's own client, and the command-line tools. A JVM is dear to start: one has all features, each with an edge of its
//! own.

use futures::future::join_all;
use tokio::process::Command;

use super::broker::{Sandbox, direct};
use super::cells::{FEATURES, of, speak_tls};
use crate::program::said;
use crate::table::{Cell, judge, must_say};
use crate::tools::Java;
use crate::trust::Trust;

const CLIENT: Java = Java {
    folder: "client",
    class: "Program",
};

const TOOLS: Java = Java {
    folder: "tools",
    class: "Tools",
};

/// What is tried on a broker that the sandbox has for itself.
const ACLS: &str = "acls";

/// A program that is told of several features, each with the address of a broker.
struct Program {
    client: &'static str,
    short: &'static str,
    java: &'static Java,
}

impl Program {
    /// What it says of features through sandboxes of their own.
    async fn through(&self, features: &[&str], trust: Option<&Trust>) -> Vec<(Sandbox, Result<String, String>)> {
        let sandboxes = features.iter().map(async |&feature| match feature {
            ACLS => Sandbox::with_its_own(trust).await,
            _ => Sandbox::new(trust).await,
        });
        let sandboxes = join_all(sandboxes).await;
        let addresses = sandboxes.iter().map(Sandbox::address);
        let said = self.says(features, addresses, trust).await;
        let parts: Vec<_> = features.iter().map(|feature| of(feature, &said)).collect();
        sandboxes.into_iter().zip(parts).collect()
    }

    async fn says(
        &self,
        features: &[&str],
        addresses: impl Iterator<Item = String>,
        trust: Option<&Trust>,
    ) -> Result<String, String> {
        let mut command = self.java.command();
        let pairs = features.iter().zip(addresses);
        command.arg(self.short);
        command.args(pairs.map(|(feature, address)| format!("{feature}={address}")));
        if let Some(trust) = trust {
            speak_tls(&mut command, trust);
        }
        said(&mut command).await
    }

    /// The cells of features that are the same directly and through an edge, and of those that only an edge is asked for.
    async fn cells(&self, same: &[&str], own: &[&str]) -> Vec<Cell> {
        tokio::task::spawn_blocking({
            let java = self.java;
            || java.made()
        })
        .await
        .unwrap();
        let (broker, trust) = (direct().await, Trust::new());
        let all = [same, own].concat();
        let (direct, plain, within) = tokio::join!(
            self.says(same, same.iter().map(|_| broker.clone()), None),
            self.through(&all, None),
            self.through(&all, Some(&trust))
        );
        let cells = all.iter().zip(plain).zip(within);
        join_all(cells.map(async |((&feature, (sandbox, edge)), (within, tls))| Cell {
            client: self.client.to_owned(),
            feature: feature.to_owned(),
            direct: same.contains(&feature).then(|| of(feature, &direct)),
            proxied: sandbox.settled(edge).await,
            tls: Some(within.settled(tls).await),
            wire: sandbox.wire(),
        }))
        .await
    }
}

#[tokio::test]
async fn javas_own_client() {
    let program = Program {
        client: "kafka-clients 4.4.0",
        short: "ja",
        java: &CLIENT,
    };
    let same = [&FEATURES[..], &["regex-848", "admin-groups", "admin-cluster"]].concat();
    let cells = program.cells(&same, &["refusals", ACLS]).await;
    judge("Kafka", &cells);
    must_say("kafka-clients", &cells);
}

#[tokio::test]
async fn the_command_line_tools() {
    let program = Program {
        client: "kafka-tools 4.3.1",
        short: "kt",
        java: &TOOLS,
    };
    let same = [
        "topics",
        "configs",
        "console",
        "consumer-groups",
        "offsets",
        "transactions",
        "log-dirs",
        "leader-election",
        "reassign-partitions",
        "cluster",
    ];
    let cells = program.cells(&same, &["api-versions", "refusals"]).await;
    judge("Kafka", &cells);
    must_say("kafka-tools", &cells);
}

/// Two sandboxes whose names are all equal, used at the same time, and then looked at: each has its own things alone.
#[tokio::test]
async fn two_sandboxes_with_equal_names_see_nothing_of_each_other() {
    tokio::task::spawn_blocking(|| CLIENT.made()).await.unwrap();
    let sandboxes = [Sandbox::new(None).await, Sandbox::new(None).await];
    let both = async |feature: &str| {
        let says = ["one", "two"].into_iter().zip(&sandboxes).map(async |(who, sandbox)| {
            let mut command: Command = CLIENT.command();
            command.args(["eq", &format!("{feature}={}", sandbox.address())]);
            let said = said(command.env("WHO", who)).await;
            let said = of(feature, &said);
            assert_eq!(sandbox.check(said.clone()), said);
            said.unwrap()
        });
        join_all(says).await
    };
    for feature in ["write", "look"] {
        let [one, two] = both(feature).await.try_into().unwrap();
        assert_eq!(one.replace("one", "two"), two, "{feature}");
        assert!(!one.contains("two"), "{feature}: {one}");
        insta::assert_snapshot!(format!("equal-names-{feature}"), one);
    }
}
