//! The `cucumber` crate on a folder of features: `bench-cucumber FEATURES SENTENCES JUNIT`.
//!
//! Every line of the file SENTENCES is a regular expression and becomes a step definition that does nothing. What came of
//! the scenarios stands in the report alone.

use std::env;
use std::fs::{self, File};

use cucumber::{World as _, WriterExt as _, cli, step, writer};
use futures::future::LocalBoxFuture;
use regex::Regex;

#[derive(Debug, Default, cucumber::World)]
struct World;

fn nothing(_: &mut World, _: step::Context) -> LocalBoxFuture<'_, ()> {
    Box::pin(async {})
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [features, sentences, junit] = &arguments[..] else {
        panic!("usage: bench-cucumber FEATURES SENTENCES JUNIT");
    };
    let report = File::create(junit).expect("the report can be written");
    let mut cucumber = World::cucumber::<String>();
    for line in fs::read_to_string(sentences).expect("the sentences can be read").lines() {
        // Given, When and Then are tables of their own.
        let regex = Regex::new(line).expect("it is well formed");
        cucumber = cucumber.given(regex.clone(), nothing).when(regex.clone(), nothing).then(regex, nothing);
    }
    cucumber
        .with_writer(writer::JUnit::new(report, 0).fail_on_skipped())
        .with_cli::<cli::Empty>(cli::Opts::default())
        .run(features.clone())
        .await;
}
