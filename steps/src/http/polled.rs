//! Reading through a service's own interface, until what is read is what is expected.

use std::time::Duration;

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::{StepError, in_words};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::{Block, BlockShape, StepDefinition};
use momus_engine::timing::Timing;
use tokio::time::{Instant, timeout_at};

use super::client::Client;
use super::expected::expected;
use super::request::{Request, check_path};
use crate::selection::{Selection, check_response};

/// The sentences that read.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![reads()]
}

/// A look for which the deadline leaves no time has so much all the same.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// A look without an answer is as far from what is expected as any.
const NO_ANSWER: u64 = 1_000;

step! {
    /// Reads from a service and judges the response as `the response has` does; `eventually` asks again until it is as
    /// expected. GET and HEAD can be asked again and again; a request that changes something is sent once (`I send`).
    ///
    /// A service that does not answer is asked again as well. What is read here is not `the response`.
    ///
    /// ```gherkin
    /// Then GET "/orders/17" from shop eventually has within 5 seconds
    ///   | status    | 200   |
    ///   | $.invoice | #uuid |
    /// ```
    "{method} {text} from {service} {eventually}has{within}", BlockShape::Required(check_response), check: check;
    pub fn reads(world, method: String, path: String, service: String, timing: Timing; block) {
        let selection = Selection::read(world, &block)?;
        let request = Request::read(world, &service, &method, &path, &Block::Nothing)?;
        let client = Client::new(world, &service)?;
        let until = match timing {
            Timing::Now => None,
            Timing::Eventually { within } => Some(Instant::now() + within.unwrap_or(world.deadline)),
        };
        let expected = expected(&format!("{} from {service} has", request.line()), &selection);
        world.poll(timing, &expected, || look(&client, &request, &selection, until)).await
    }
}

fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    if let Some(Value::Word(method)) = values.first()
        && !matches!(method.as_str(), "GET" | "HEAD")
    {
        return Err(format!(
            "{method} may change something, and this step may ask more than once; hint: `I send {method} …` sends it \
             once, and `the response has` judges the answer"
        ));
    }
    check_path(mesh, values)
}

async fn look(
    client: &Client,
    request: &Request,
    selection: &Selection,
    until: Option<Instant>,
) -> Result<Look, StepError> {
    let asked = Instant::now();
    let answer = match until {
        None => Ok(client.send(request).await),
        Some(until) => timeout_at(until.max(asked + LAST_LOOK), client.send(request)).await,
    };
    let (held, seen, distance) = match answer {
        Ok(Ok(response)) => {
            let judgement = selection.judge(&response);
            (
                judgement.selected(),
                response.judged(&judgement),
                judgement.misses.len() as u64,
            )
        }
        Ok(Err(no_answer)) => (false, format!("no answer: {}", no_answer.why), NO_ANSWER),
        Err(_) => (
            false,
            format!("no answer within {}", in_words(asked.elapsed())),
            NO_ANSWER,
        ),
    };
    Ok(Look {
        verdict: if held { Verdict::Held } else { Verdict::NotYet },
        seen,
        distance,
    })
}
