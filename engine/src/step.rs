//! Step definitions: a sentence, what it does, and what the reference says of it.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::activity::Telemetry;
use crate::count::Count;
use crate::failure::{Failure, StepError};
use crate::mesh::Mesh;
use crate::parameter::Value;
use crate::quantity::Quantity;
use crate::timing::{Timing, TimingKind};
use crate::world::World;

/// What a step's function comes to.
pub type StepResult = Result<(), StepError>;

/// A sentence of the vocabulary. Made by [`step!`](crate::step).
#[derive(Clone, Debug)]
pub struct StepDefinition {
    /// Its cucumber expression.
    pub expression: &'static str,
    /// Its documentation, Markdown: what it does, and an example in a `gherkin` block.
    pub doc: &'static str,
    /// Where it is written.
    pub file: &'static str,
    /// Where it is written.
    pub line: u32,
    /// What stands below it.
    pub block: BlockShape,
    /// What is told of its arguments while planning, beyond that each name is one of the mesh.
    pub check: Option<ArgumentCheck>,
    /// The name of the fault that it injects, as `the … has struck` takes it.
    pub injects: Option<fn(&[Value]) -> String>,
    /// The timings that it takes.
    pub timings: &'static [TimingKind],
    /// Whether it drives the mesh: what was quiet before may be so no more. Steps that only look do not.
    pub drives: bool,
    /// What it looks at of what services tell of themselves. That counts for quiet in a scenario with such a sentence.
    pub telemetry: Option<Telemetry>,
    /// Whether it needs walls around services: without them it could not tell what it tells.
    pub walls: bool,
    /// What it does.
    pub run: for<'w> fn(&'w mut World, Input) -> BoxFuture<'w, StepResult>,
}

/// What may stand below a step.
#[derive(Clone, Copy, Debug)]
pub enum BlockShape {
    /// Nothing.
    Nothing,
    /// What `check` agrees to, and nothing where the step says no more.
    Optional(BlockCheck),
    /// What `check` agrees to.
    Required(BlockCheck),
}

/// Tells while planning what is wrong with a step's arguments, and a `; hint: …` perhaps.
pub type ArgumentCheck = fn(&Mesh, &[Value]) -> Result<(), String>;

/// Tells while planning what is wrong with a block; the row of a table counts from 0.
pub type BlockCheck = fn(&Block) -> Result<(), BlockError>;

/// What is wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockError {
    /// The row of the table where it is, from 0.
    pub row: Option<usize>,
    /// The cell of the row where it is, from 0.
    pub cell: Option<usize>,
    /// What is wrong, and a `hint: …` perhaps.
    pub message: String,
}

impl BlockError {
    /// Wrong in this cell.
    pub fn cell(row: usize, cell: usize, message: impl Into<String>) -> Self {
        Self {
            row: Some(row),
            cell: Some(cell),
            message: message.into(),
        }
    }

    /// Wrong as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self {
            row: None,
            cell: None,
            message: message.into(),
        }
    }
}

/// What stands below a step, `${…}` still in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Block {
    /// Nothing.
    #[default]
    Nothing,
    /// A table, row by row.
    Table(Vec<Vec<String>>),
    /// A doc string.
    Text {
        /// The text.
        content: String,
        /// What follows the delimiter, such as `json`.
        media_type: Option<String>,
    },
}

impl Block {
    /// The rows of a table, none of anything else.
    pub fn rows(&self) -> &[Vec<String>] {
        match self {
            Block::Table(rows) => rows,
            Block::Nothing | Block::Text { .. } => &[],
        }
    }
}

/// What a step was given.
#[derive(Clone, Debug)]
pub struct Input {
    /// The arguments that are left, in the order of the expression.
    pub values: std::vec::IntoIter<Value>,
    /// What stands below it.
    pub block: Block,
}

impl Input {
    /// The next argument.
    ///
    /// # Errors
    /// When the function asks for another type than its expression gives: a defect that the examples' test finds.
    pub fn argument<T: FromValue>(&mut self) -> Result<T, StepError> {
        let value = self.values.next();
        let told = format!("{value:?}");
        value.and_then(T::from_value).ok_or_else(|| {
            Failure::unknown(format!("the step's function does not take {told}"))
                .hint("this is a defect of Momus: please report it")
        })
    }
}

/// What an argument of a step's function can be.
pub trait FromValue: Sized {
    /// The argument, where the value is of its kind.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($type:ty, $pattern:pat => $result:expr) => {
        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $pattern => Some($result),
                    _ => None,
                }
            }
        }
    };
}

from_value!(
    String,
    Value::Name { name: text, .. }
    | Value::Text(text)
    | Value::File(text)
    | Value::Word(text)
    | Value::Fault(text)
    | Value::NewTraffic(text)
    | Value::Traffic(text) => text
);
from_value!(Count, Value::Count(count) => count);
from_value!(Quantity, Value::Quantity(quantity) => quantity);
from_value!(Duration, Value::Duration(duration) => duration);
from_value!(u64, Value::Number(number) => number);
from_value!(Timing, Value::Timing(timing) => timing);
from_value!(Option<f64>, Value::Tolerance(share) => share);
from_value!(f64, Value::Percent(share) => share);
from_value!(bool, Value::Only(said) | Value::Ordered(said) | Value::Unfollowed(said) | Value::IfReached(said) => said);
from_value!(Option<String>, Value::Alias(alias) => alias);

/// Declares a step definition as a function of no arguments that returns it.
///
/// ```
/// use momus_engine::step;
/// use momus_engine::step::BlockShape;
///
/// step! {
///     /// Says hello to a service.
///     ///
///     /// ```gherkin
///     /// When I greet shop
///     /// ```
///     "I greet {service}", BlockShape::Nothing;
///     pub fn greet(world, service: String; _block) {
///         world.timeline.ring();
///         assert_eq!(service, "shop");
///         Ok(())
///     }
/// }
/// assert_eq!(greet().expression, "I greet {service}");
/// ```
///
/// The arguments are those of the expression in order, `{eventually}` and `{within}` together being one
/// [`Timing`] in the place of the first of them; `_block` is the [`Block`] below the step. Behind the shape may stand
/// `, check: …`, `, injects: …`, `, timings: …`, `, drives: …`, `, telemetry: …` and `, walls: …`, in this order: the fields of
/// [`StepDefinition`] of these names. A sentence takes all timings where it does not say, and drives where it takes none.
#[macro_export]
macro_rules! step {
    (@optional) => { None };
    (@optional $value:expr) => { Some($value) };
    (@or $default:expr;) => { $default };
    (@or $default:expr; $value:expr) => { $value };
    (
        $(#[doc = $doc:expr])+
        $expression:literal, $shape:expr $(, check: $check:expr)? $(, injects: $injects:expr)? $(, timings: $timings:expr)? $(, drives: $drives:expr)? $(, telemetry: $telemetry:expr)? $(, walls: $walls:expr)?;
        pub fn $name:ident($world:ident $(, $argument:ident: $type:ty)*; $block:ident) $body:block
    ) => {
        $(#[doc = $doc])+
        pub fn $name() -> $crate::step::StepDefinition {
            fn run(
                $world: &mut $crate::world::World,
                #[allow(unused_mut, reason = "a step without arguments takes none")] mut input: $crate::step::Input,
            ) -> $crate::step::StepFuture<'_> {
                Box::pin(async move {
                    $(let $argument: $type = input.argument()?;)*
                    let $block = input.block;
                    $body
                })
            }
            $crate::step::StepDefinition {
                expression: $expression,
                doc: concat!($($doc, "\n"),+),
                file: file!(),
                line: line!(),
                block: $shape,
                check: $crate::step!(@optional $($check)?),
                injects: $crate::step!(@optional $($injects)?),
                timings: $crate::step!(@or $crate::timing::TimingKind::ALL; $($timings)?),
                drives: $crate::step!(@or $crate::step::drives($expression); $($drives)?),
                telemetry: $crate::step!(@optional $($telemetry)?),
                walls: $crate::step!(@or false; $($walls)?),
                run,
            }
        }
    };
}

/// Whether a sentence drives the mesh where its definition does not say: those that have a timing only look.
#[must_use]
pub fn drives(expression: &str) -> bool {
    !expression.contains("{eventually}") && !expression.contains("{within}")
}

/// What a step's function returns.
pub type StepFuture<'w> = BoxFuture<'w, StepResult>;
