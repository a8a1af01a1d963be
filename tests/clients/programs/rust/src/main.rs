//! Features of Kafka through rdkafka (librdkafka): BOOTSTRAP FEATURE NAMES. What it prints differs only by a fault.

mod admin;
mod groups;
mod place;
mod records;
mod transactions;

use self::place::{Place, Result};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [bootstrap, feature, names] = arguments.as_slice() else {
        return Err("BOOTSTRAP FEATURE NAMES".into());
    };
    let place = Place::new(bootstrap, names);
    match feature.as_str() {
        "group" => groups::read_and_commit(&place, "classic").await,
        "group-848" => groups::read_and_commit(&place, "consumer").await,
        "rebalance" => groups::rebalance(&place, "classic").await,
        "rebalance-848" => groups::rebalance(&place, "consumer").await,
        "transactions" => transactions::run(&place).await,
        "codecs" => records::codecs(&place).await,
        "headers" => records::headers(&place).await,
        "admin" => admin::run(&place).await,
        other => Err(format!("no feature `{other}`").into()),
    }
}
