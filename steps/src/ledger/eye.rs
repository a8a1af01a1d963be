//! The test client's eye on a stage of a ledger.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{ObjectFormat, Site, Stage};
use momus_engine::timeline::Timeline;
use momus_engine::world::World;
use object_store::path::Path;
use serde_json::Value as Json;

use super::sent::Sent;
use super::sighting::{Order, Sighting, things};
use crate::database::rows::Query;
use crate::database::session::{Database, database};
use crate::events::order::compare;
use crate::events::tail::{Tail, tail};
use crate::selection::{Place, Selection, Subject};
use crate::storage::bucket::{Bucket, Content, Object, bucket};
use crate::storage::line::Line;

/// What looks at one stage.
pub(super) struct Eye {
    pub site: Site,
    through: Through,
    pub id: Place,
    pub key: Option<Place>,
    /// Whether several ids may stand at the place of ids, or none.
    pub several: bool,
}

/// What it looks through.
enum Through {
    Sent(Sent),
    Topic(Arc<Tail>),
    Bucket(Arc<Bucket>),
    Table(Arc<Database>),
    /// The timeline has it all.
    Timeline,
}

/// What one look at a stage showed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The things, in the order of the stage where it has one.
    pub sightings: Vec<Sighting>,
    /// How many requests may have come to something or to nothing, for all that their answers tell.
    pub unanswered: usize,
    /// How many things may have begun by these whose ids nobody knows: the answers would have told them.
    pub unnamed: usize,
    /// Whether an answer can still tell of more.
    pub under_way: bool,
}

impl Eye {
    /// Opens it.
    ///
    /// # Errors
    /// When the test client has no way to what the stage is in.
    pub fn open(world: &mut World, stage: &Stage) -> Result<Self, StepError> {
        let through = match &stage.site {
            Site::Request { .. } => Through::Sent(Sent::of(world)),
            Site::Topic(topic) => Through::Topic(tail(world, topic)?),
            Site::Bucket { bucket: name, .. } => Through::Bucket(bucket(world, name)?),
            Site::Table { of, .. } => Through::Table(database(world, of)?),
            Site::Partner(_) => Through::Timeline,
        };
        let place = |written: &str| Place::parse(written).map_err(Failure::failed);
        let key = match (&stage.key, &stage.site) {
            (Some(key), _) => Some(place(key)?),
            (None, Site::Topic(_)) => Some(Place::Part("key".to_owned())),
            (None, _) => None,
        };
        Ok(Self {
            site: stage.site.clone(),
            through,
            id: place(&stage.id)?,
            key,
            several: stage.id.starts_with('$') && stage.id.contains(['*', ',', ':', '?']) || stage.id.contains(".."),
        })
    }

    /// What is at the stage now.
    ///
    /// # Errors
    /// When it cannot be looked at, or is not what the mesh says of it.
    pub async fn look(&self, timeline: &Timeline) -> Result<Seen, StepError> {
        let sightings = match (&self.through, &self.site) {
            (Through::Sent(sent), site) => return Ok(self.requests(&sent.about(site))),
            (Through::Topic(tail), _) => {
                let records = tail.look().await?;
                let records = records.iter().map(|record| {
                    let at = record.timestamp.map(|at| timeline.elapsed_at(at));
                    let order = Order::At {
                        lane: record.partition,
                        rank: record.offset,
                    };
                    self.of_subject(record, at, &record.place(), order)
                });
                let mut sightings: Vec<Sighting> = records.flatten().collect();
                sightings.sort_by_key(|sighting| match sighting.order {
                    Order::At { lane, rank } => (lane, rank),
                    Order::None | Order::Between { .. } => (0, 0),
                });
                sightings
            }
            (Through::Bucket(bucket), Site::Bucket { under, format, .. }) => {
                let objects = bucket.list(timeline, under).await?;
                let written = self.written(timeline);
                let mut sightings = Vec::new();
                for (object, content) in bucket.contents(&objects).await? {
                    let at = written.get(&object.name).copied();
                    let at = at.unwrap_or_else(|| timeline.elapsed_at(object.modified()));
                    for line in self.entries(&object, content, *format)? {
                        let place = match format {
                            ObjectFormat::Json => object.name.clone(),
                            ObjectFormat::Ndjson | ObjectFormat::NdjsonGz => {
                                format!("{} line {}", object.name, line.number)
                            }
                        };
                        let order = rank(sightings.len());
                        sightings.extend(self.of_subject(&line, Some(at), &place, order));
                    }
                }
                sightings
            }
            (Through::Table(database), Site::Table { table, order, .. }) => {
                self.rows(timeline, database, table, order.as_deref()).await?
            }
            (Through::Timeline, Site::Partner(partner)) => self.calls(timeline, partner),
            // It is made of one site.
            _ => Vec::new(),
        };
        Ok(Seen {
            sightings,
            ..Seen::default()
        })
    }

    fn of_subject(&self, subject: &impl Subject, at: Option<Duration>, place: &str, order: Order) -> Vec<Sighting> {
        let keys = self.key.as_ref().map(|key| subject.read(key)).unwrap_or_default();
        let things = things(subject.read(&self.id), keys, self.several).into_iter();
        let sightings = things.map(|(id, key)| Sighting {
            id,
            key,
            at,
            place: place.to_owned(),
            order,
            certain: true,
        });
        sightings.collect()
    }

    fn calls(&self, timeline: &Timeline, partner: &str) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        timeline.look(|events| {
            for event in events {
                let Happening::PartnerCall {
                    partner: called,
                    method,
                    path,
                    status,
                    body,
                    ..
                } = &event.happening
                else {
                    continue;
                };
                if called != partner || !(200..300).contains(status) {
                    continue;
                }
                let keys = self.key.as_ref().map(|key| key.nodes(body)).unwrap_or_default();
                // A call may be about other things.
                for (id, key) in things(self.id.nodes(body), keys, true) {
                    sightings.push(Sighting {
                        id,
                        key,
                        at: Some(event.elapsed),
                        place: format!("{method} {path} {status}"),
                        order: rank(sightings.len()),
                        certain: true,
                    });
                }
            }
        });
        sightings
    }

    async fn rows(
        &self,
        timeline: &Timeline,
        database: &Arc<Database>,
        table: &str,
        order: Option<&str>,
    ) -> Result<Vec<Sighting>, StepError> {
        let query = Query::prepare(database, table, &Selection::default()).await?;
        let columns = [Some(self.id.to_string()), self.key.as_ref().map(Place::to_string)];
        for column in columns.iter().flatten().map(String::as_str).chain(order) {
            query.table.column(column)?;
        }
        let mut rows = query.look(timeline).await?;
        let value = |row: &_| {
            let column = Place::Part(order.unwrap_or_default().to_owned());
            Subject::read(row, &column).into_iter().next().unwrap_or_default()
        };
        rows.sort_by(|one, other| compare(&value(one), &value(other)).unwrap_or(Ordering::Equal));
        let mut before: Option<Json> = None;
        let mut at = 0;
        let mut sightings = Vec::new();
        for row in &rows {
            let value = value(row);
            if before.as_ref().is_some_and(|before| *before != value) {
                at += 1;
            }
            let (order, place) = match order {
                Some(column) if !value.is_null() => (rank(at), format!("a row with {column} {}", unquoted(&value))),
                _ => (Order::None, "a row".to_owned()),
            };
            sightings.extend(self.of_subject(row, None, &place, order));
            before = Some(value);
        }
        Ok(sightings)
    }

    /// The values of JSON that an object of the format holds.
    fn entries(&self, object: &Object, content: Content, format: ObjectFormat) -> Result<Vec<Arc<Line>>, StepError> {
        let wrong = match format {
            // One that is gone by now holds nothing.
            _ if content.lines.is_empty() => None,
            ObjectFormat::Json if content.whole.is_none() => {
                Some("it is not one value of JSON, and a stage says `json`")
            }
            ObjectFormat::Json => return Ok(content.whole.into_iter().collect()),
            ObjectFormat::NdjsonGz if !content.packed => Some("it is not gzip, and a stage says `ndjson.gz`"),
            ObjectFormat::Ndjson if content.packed => Some("it is gzip, and a stage says `ndjson`"),
            ObjectFormat::Ndjson | ObjectFormat::NdjsonGz => None,
        };
        let Some(wrong) = wrong else {
            return Ok(content.lines);
        };
        let bucket = match &self.site {
            Site::Bucket { bucket, .. } => bucket.as_str(),
            _ => "",
        };
        Err(Failure::failed(format!(
            "object {} of bucket {bucket} has another format: {wrong}",
            object.name
        )))
    }

    /// When the wire saw objects written last, by name.
    fn written(&self, timeline: &Timeline) -> HashMap<String, Duration> {
        let Site::Bucket { bucket, .. } = &self.site else {
            return HashMap::new();
        };
        timeline.look(|events| {
            let written = events.iter().filter_map(|event| match &event.happening {
                Happening::Response {
                    dependency,
                    method,
                    path,
                    status: Some(200..300),
                    ..
                } if *dependency == bucket.value && (method == "PUT" || method == "POST") => {
                    let path = path.split('?').next().unwrap_or_default();
                    let path = Path::from_url_path(path).ok()?;
                    // The bucket's name is the first part of it.
                    let (_, name) = path.as_ref().split_once('/')?;
                    Some((name.to_owned(), event.elapsed))
                }
                _ => None,
            });
            written.collect()
        })
    }
}

fn rank(at: usize) -> Order {
    Order::At {
        lane: 0,
        rank: i64::try_from(at).unwrap_or(i64::MAX),
    }
}

fn unquoted(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
