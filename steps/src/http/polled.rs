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

/// The look at the deadline itself has so much time.
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
        let client = Client::new(world)?;
        let until = (timing != Timing::Now).then(|| Instant::now() + timing.lasts(world.deadline));
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
        None => Ok(client.probe(request).await),
        Some(until) if asked < until => timeout_at(until, client.probe(request)).await,
        Some(_) => timeout_at(asked + LAST_LOOK, client.probe(request)).await,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use axum::Router;
    use momus_engine::event::Happening;
    use momus_proxies::edge::Upstream;
    use serde_json::json;

    use crate::testing::{Scenario, plan, table, told};

    /// A shop that answers with how often it was asked.
    fn counting(asked: &Arc<AtomicU64>) -> Router {
        let asked = Arc::clone(asked);
        let count = move || {
            let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
            async move { axum::Json(json!({"asked": number})) }
        };
        Router::new().fallback(count)
    }

    #[tokio::test]
    async fn a_service_is_asked_until_its_answer_is_as_expected() {
        let (mut scenario, asked) = (Scenario::begin(), Arc::default());
        scenario.serve("shop", counting(&asked)).await;
        let rows = || table(&[["status", "200"], ["$.asked", "3"]]);
        scenario
            .passes(r#"GET "/orders" from shop eventually has"#, rows())
            .await;
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        scenario
            .passes(r#"HEAD "/orders" from shop has"#, table(&[["status", "200"]]))
            .await;
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        let failure = scenario.fails(r#"GET "/orders" from shop has"#, rows()).await;
        insta::assert_snapshot!(failure, @r#"
        Failed: it does not hold
        expected:
          GET /orders from shop has
            status: 200
            $.asked: 3
        seen:
          200 OK, {"asked":5}
            $.asked: expected 3, was 5
        "#);
    }

    #[tokio::test]
    async fn what_a_service_does_about_a_look_does_not_lead_to_the_next_at_once() {
        let (mut scenario, asked) = (Scenario::begin(), Arc::default());
        let (timeline, counts): (_, Arc<AtomicU64>) = (scenario.world.timeline.clone(), Arc::clone(&asked));
        let log = move || {
            counts.fetch_add(1, Ordering::Relaxed);
            timeline.record(Happening::Log {
                service: "shop".into(),
                level: None,
                message: "a request".into(),
                document: None,
            });
            async { "no order" }
        };
        scenario.serve("shop", Router::new().fallback(log)).await;
        let rows = table(&[["$.id", "o-1"]]);
        let failure = scenario
            .fails(r#"GET "/orders/1" from shop eventually has within 500 ms"#, rows)
            .await;
        let asked = asked.load(Ordering::Relaxed);
        assert!((2..=7).contains(&asked), "{asked}");
        insta::assert_snapshot!(failure, @r#"
        Failed: it did not come to hold within 500 ms
        expected:
          GET /orders/1 from shop has
            $.id: "o-1"
        seen:
          200 OK, no order
            $.id: expected "o-1", was absent: the body is not JSON (text/plain; charset=utf-8): no order
        "#);
    }

    #[tokio::test]
    async fn looking_keeps_the_mesh_from_no_quiet() {
        let (mut scenario, asked) = (Scenario::begin(), Arc::default());
        scenario.serve("shop", counting(&asked)).await;
        let activity = scenario.world.timeline.activity().clone();
        activity.settles_in(Some(std::time::Duration::from_millis(300)));
        let rows = || table(&[["$.asked", "0"]]);
        let failure = scenario
            .fails(r#"GET "/orders" from shop eventually has"#, rows())
            .await;
        assert!(
            failure.contains("and the mesh is quiet: nothing more comes"),
            "{failure}"
        );
        assert!(asked.load(Ordering::Relaxed) > 1);
        scenario
            .passes(r#"HEAD "/orders" from shop has"#, table(&[["status", "200"]]))
            .await;
        assert_eq!((activity.disturbed(), activity.rests()), (None, true));
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_yet_is_asked_again() {
        let (mut scenario, asked) = (Scenario::begin(), Arc::default());
        scenario.serve("shop", counting(&asked)).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        scenario.edges["shop"].lead_to(Upstream::Tcp(address));
        let rows = || table(&[["status", "200"]]);
        let failure = scenario
            .run(r#"GET "/orders" from shop eventually has within 100 ms"#, rows())
            .await;
        let mut failure = failure.unwrap_err();
        failure.looks = None;
        insta::assert_snapshot!(told(Err(failure)), @r"
        Failed: it did not come to hold within 100 ms
        expected:
          GET /orders from shop has
            status: 200
        seen:
          no answer: the connection was refused: Connection refused (os error 111)
        ");
        let timeline = scenario.world.timeline.clone();
        let serve = async {
            // The first look is over.
            while !timeline.open_waits().iter().any(|wait| wait.contains("no answer: ")) {
                tokio::task::yield_now().await;
            }
            let listener = tokio::net::TcpListener::bind(address).await.expect("the port is free");
            axum::serve(listener, counting(&asked)).await
        };
        tokio::select! {
            read = scenario.run(r#"GET "/orders" from shop eventually has"#, rows()) => read.expect("it comes to hold"),
            _ = serve => panic!("the shop serves until the test ends"),
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_service_that_never_answers_does_not_hold_the_step_up() {
        let mut scenario = Scenario::begin();
        let silent = Router::new().fallback(|| async { std::future::pending::<()>().await });
        scenario.serve("shop", silent).await;
        let began = std::time::Instant::now();
        let rows = table(&[["status", "200"]]);
        let failure = scenario
            .fails(r#"GET "/orders" from shop eventually has within 100 ms"#, rows)
            .await;
        assert!(
            began.elapsed() < std::time::Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
        assert!(failure.contains("no answer within 1"), "{failure}");
    }

    #[test]
    fn what_cannot_be_asked_again_is_told_while_planning() {
        let errors = plan(
            r#"    * POST "/orders" from shop eventually has
      | status | 200 |
    * GET "orders" from shop has
      | status | 200 |
    * GET "/orders" from shop has"#,
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * POST "/orders" from shop eventually has
        POST may change something, and this step may ask more than once
        hint: `I send POST …` sends it once, and `the response has` judges the answer
        5:5 | * GET "orders" from shop has
        the path `orders` does not begin with `/`
        hint: did you mean `/orders`?
        7:5 | * GET "/orders" from shop has
        this step needs what stands below it
        hint: see `momus steps "{method} {text} from {service} {eventually}has{within}"`
        "#);
    }
}
