//! What a line of an object says.

use std::sync::Arc;

use momus_engine::count::Count;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::Timing;
use serde_json::Value as Json;

use super::bucket::{Object, bucket};
use super::has::check_prefix;
use super::line::Line;
use crate::counted::{Counted, Lasting};
use crate::selection::{Judgement, Miss, Place, Selection, Subject, check_line};

/// The sentence that counts objects by their lines.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![has_objects_with_a_line()]
}

step! {
    /// Counts the objects under a prefix that have at least one line with what the table says.
    ///
    /// A line is JSON, `$…` a place in it. What is compressed with gzip is inflated, whatever the object's name.
    ///
    /// ```gherkin
    /// Then bucket receipts eventually has an object under "2026/11/" with a line
    ///   | $.order.id | o-1  |
    ///   | $.total    | 12.5 |
    /// ```
    "bucket {bucket} {eventually}has {count} object(s) under {text} with a line{within}",
    BlockShape::Required(check_line), check: check_prefix;
    pub fn has_objects_with_a_line(world, name: String, timing: Timing, count: Count, prefix: String; block) {
        let prefix = world.text(&prefix)?;
        let selection = Selection::read(world, &block)?;
        let bucket = bucket(world, &name)?;
        let counted = Counted {
            what: &format!("objects under \"{prefix}\" with a line in bucket {name}"),
            count,
            only: false,
            lasting: Lasting::Changes,
            selection: &selection,
        };
        let look = || async {
            let objects = bucket.list(&world.timeline, &prefix).await?;
            let lines = bucket.lines(&objects).await?;
            Ok(lines.into_iter().map(|(object, lines)| nearest(&selection, object, lines)).collect())
        };
        counted.expect_judged(world, timing, look).await
    }
}

/// An object by the line of it that comes nearest.
enum Nearest {
    Line(Arc<Line>),
    /// It has no line at all.
    Object(Object),
}

fn nearest(selection: &Selection, object: Object, lines: Vec<Arc<Line>>) -> (Nearest, Judgement) {
    let judged = lines.into_iter().rev().map(|line| {
        let judgement = selection.judge(&line);
        (Nearest::Line(line), judgement)
    });
    judged
        .min_by_key(|(_, judgement)| judgement.misses.len())
        .unwrap_or_else(|| {
            let mut judgement = selection.judge(&object);
            // What must be absent is absent here, and still there is no line.
            if judgement.selected() {
                judgement.misses.push(Miss {
                    place: "lines".to_owned(),
                    expected: "at least 1".to_owned(),
                    seen: "none".to_owned(),
                });
            }
            (Nearest::Object(object), judgement)
        })
}

impl Subject for Nearest {
    fn read(&self, place: &Place) -> Vec<Json> {
        match self {
            Self::Line(line) => line.read(place),
            Self::Object(object) => object.read(place),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Line(line) => line.shown(),
            Self::Object(object) => object.shown(),
        }
    }

    fn absence(&self, place: &Place) -> String {
        match self {
            Self::Line(line) => line.absence(place),
            Self::Object(object) => object.absence(place),
        }
    }
}
