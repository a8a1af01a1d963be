//! Whether a datastore is one service's own.

use std::collections::BTreeSet;

use momus_engine::event::{Event, Happening};
use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::sandbox::CLIENT;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::Timing;
use momus_engine::world::World;

use super::session::{Database, database, in_full};

/// The sentences about who uses a datastore.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![only_uses()]
}

step! {
    /// Expects that, from the scenario's start until the mesh is quiet, no other service opens a session at the datastore,
    /// and that no role may use its tables but the server's superuser and those as which this service logs in.
    ///
    /// The service must have sent a statement there itself: else the check would hold of a datastore that nobody uses. What
    /// the test client does there does not count.
    ///
    /// ```gherkin
    /// When I send POST "/invoices" to billing
    /// Then only billing uses billing-db
    /// ```
    "only {service} uses {datastore}", BlockShape::Nothing, check: check, drives: false;
    pub fn only_uses(world, service: String, datastore: String; _block) {
        let expected = format!("a service other than {service} uses {datastore}");
        let uses = |world: &World| world.timeline.look(|events| Uses::among(events, &service, &datastore));
        let look = || async {
            let others = uses(world).others;
            Ok(Look {
                verdict: if others.is_empty() { Verdict::NotYet } else { Verdict::Held },
                distance: u64::from(others.is_empty()),
                seen: match others.is_empty() {
                    true => "no other has".to_owned(),
                    false => others.join("\n"),
                },
            })
        };
        world.expect(Timing::Never { within: None }, &expected, look).await?;
        let own = uses(world);
        if !own.is_used {
            let message = format!("{service} has not used {datastore} either, in this scenario");
            let hint = format!("have {service} do something first that takes a statement at {datastore}");
            return Err(Failure::failed(message).hint(hint));
        }
        let database = database(world, &datastore)?;
        let granted = granted(&database, &own.roles).await?;
        if !granted.is_empty() {
            let hint = format!("revoke what another role was granted, or log {service} in with that role");
            let failure = Failure::expectation(
                "other roles may use it",
                format!("no role but those of {service} may use the tables of {datastore}"),
                granted.join("\n"),
            );
            return Err(failure.hint(hint));
        }
        Ok(())
    }
}

/// Who used a datastore.
#[derive(Default)]
struct Uses {
    /// What others did there first, each with its first statement.
    others: Vec<String>,
    /// Whether the service did something there.
    is_used: bool,
    /// The roles as which it logged in.
    roles: BTreeSet<String>,
}

impl Uses {
    fn among(events: &[Event], owner: &str, of: &str) -> Self {
        let mut uses = Self::default();
        let (mut sessions, mut statements) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            match &event.happening {
                Happening::DatabaseSession {
                    caller,
                    datastore,
                    role,
                } if datastore == of => {
                    if caller == owner {
                        uses.roles.insert(role.clone());
                    } else if caller != CLIENT && sessions.insert(caller) {
                        uses.others.push(format!("{caller} → {datastore}  session of {role}"));
                    }
                }
                Happening::Statement {
                    caller,
                    datastore,
                    text,
                    ..
                } if datastore == of => {
                    if caller == owner {
                        uses.is_used = true;
                    } else if statements.insert(caller) {
                        uses.others.push(format!("{caller} → {datastore}  {text}"));
                    }
                }
                _ => {}
            }
        }
        uses
    }
}

/// The roles, beside superusers and the `owners`, that can log in and use a table of the database; each with the first one.
async fn granted(database: &Database, owners: &BTreeSet<String>) -> Result<Vec<String>, StepError> {
    const GRANTED: &str = "
        SELECT role.rolname::text, min(c.oid::regclass::text)
        FROM pg_roles AS role, pg_class AS c
        WHERE role.rolcanlogin AND NOT role.rolsuper AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
          AND has_database_privilege(role.oid, current_database(), 'CONNECT')
          AND has_schema_privilege(role.oid, c.relnamespace, 'USAGE')
          AND (has_any_column_privilege(role.oid, c.oid, 'SELECT, INSERT, UPDATE')
            OR has_table_privilege(role.oid, c.oid, 'DELETE, TRUNCATE'))
        GROUP BY 1 ORDER BY 1";
    let session = database.session().await?;
    let found = database.within(session.client.query(GRANTED, &[])).await?;
    let found = found.map_err(|error| database.unknown(&in_full(&error)))?;
    let roles = found
        .iter()
        .map(|row| (row.get::<_, String>(0), row.get::<_, String>(1)));
    let others = roles.filter(|(role, _)| !owners.contains(role));
    Ok(others
        .map(|(role, table)| format!("role {role} may use table {table}"))
        .collect())
}

/// Whoever has no way there cannot have used it.
fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let [
        Value::Name { name: service, .. },
        Value::Name { name: datastore, .. },
        ..,
    ] = values
    else {
        return Ok(());
    };
    let known = mesh.services.get(mesh.filled(service));
    match known.is_none_or(|service| service.dependencies().contains(&datastore.as_str())) {
        true => Ok(()),
        false => Err(format!(
            "{service} has no edge to {datastore}; hint: name it in `depends_on` of {service}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::step::Block;

    use super::super::server;
    use super::*;
    use crate::testing::{Scenario, plan, steady};

    const SENTENCE: &str = "only billing uses billing-db";

    fn session(scenario: &Scenario, caller: &str, role: &str) {
        scenario.world.timeline.record(Happening::DatabaseSession {
            caller: caller.into(),
            datastore: "billing-db".into(),
            role: role.into(),
        });
    }

    fn statement(scenario: &Scenario, caller: &str, datastore: &str) {
        scenario.world.timeline.record(Happening::Statement {
            caller: caller.into(),
            datastore: datastore.into(),
            text: "SELECT ?".into(),
            tables: None,
            parameters: None,
            rows: Some(1),
            sqlstate: None,
            took: Duration::ZERO,
        });
    }

    async fn scenario(sql: &str) -> Scenario {
        let (scenario, _) = server::scenario(sql).await;
        let activity = scenario.world.timeline.activity();
        activity.settles_in(Some(Duration::from_millis(1)));
        session(&scenario, "billing", "postgres");
        scenario
    }

    #[tokio::test]
    async fn it_holds_where_the_service_alone_uses_it() {
        let mut scenario = scenario("CREATE TABLE invoices (id text)").await;
        statement(&scenario, "shop", "shop-db");
        insta::assert_snapshot!(scenario.fails(SENTENCE, Block::Nothing).await, @r"
        Failed: billing has not used billing-db either, in this scenario
        hint: have billing do something first that takes a statement at billing-db
        ");
        statement(&scenario, "billing", "billing-db");
        scenario.passes(SENTENCE, Block::Nothing).await;
    }

    #[tokio::test]
    async fn anothers_session_and_statements_fail_it() {
        let mut scenario = scenario("").await;
        statement(&scenario, "billing", "billing-db");
        session(&scenario, "shop", "app");
        statement(&scenario, "shop", "billing-db");
        statement(&scenario, "shop", "billing-db");
        insta::assert_snapshot!(steady(&scenario.fails(SENTENCE, Block::Nothing).await), @r"
        Failed: it came to hold, after TIME
        expected:
          never: a service other than billing uses billing-db
        seen:
          shop → billing-db  session of app
          shop → billing-db  SELECT ?
        ");
    }

    #[tokio::test]
    async fn a_role_that_may_use_its_tables_fails_it() {
        let name = format!("reports_{}", std::process::id());
        let grant = format!(
            "CREATE TABLE invoices (id text, amount int); CREATE ROLE {name} LOGIN; CREATE ROLE idle_{name} LOGIN;
             GRANT SELECT (amount) ON invoices TO {name}"
        );
        let mut scenario = scenario(&grant).await;
        statement(&scenario, "billing", "billing-db");
        let failed = scenario.fails(SENTENCE, Block::Nothing).await.replace(&name, "reports");
        insta::assert_snapshot!(failed, @r"
        Failed: other roles may use it
        expected:
          no role but those of billing may use the tables of billing-db
        seen:
          role reports may use table invoices
        hint: revoke what another role was granted, or log billing in with that role
        ");
        session(&scenario, "billing", &name);
        scenario.passes(SENTENCE, Block::Nothing).await;
    }

    #[test]
    fn a_service_without_an_edge_to_it_is_told_while_planning() {
        insta::assert_snapshot!(plan("    Then only shop uses billing-db").unwrap_err(), @r"
        3:5 | Then only shop uses billing-db
        shop has no edge to billing-db
        hint: name it in `depends_on` of shop
        ");
        assert_eq!(plan("    Then only billing uses billing-db"), Ok(()));
    }
}
