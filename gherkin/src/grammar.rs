//! The grammar: which lines may follow which. A state is what the last line left open; 54 states of
//! the official grammar fall together here, for a rule's content is that of a feature.

/// What kind of line is asked for. The order is that in which a state tries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    End,
    Language,
    Empty,
    Comment,
    Row,
    Delimiter,
    Background,
    Step,
    Tags,
    Feature,
    Examples,
    Scenario,
    Rule,
    /// Any line: a description's or a doc string's.
    Text,
}

impl Kind {
    /// How a message calls it; nothing for what may stand nearly everywhere.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            Self::End | Self::Empty | Self::Comment => None,
            Self::Language => Some("a language"),
            Self::Row => Some("a table row"),
            Self::Delimiter => Some("a doc string"),
            Self::Background => Some("a background"),
            Self::Step => Some("a step"),
            Self::Tags => Some("tags"),
            Self::Feature => Some("a feature"),
            Self::Examples => Some("examples"),
            Self::Scenario => Some("a scenario"),
            Self::Rule => Some("a rule"),
            Self::Text => Some("a text"),
        }
    }
}

/// What has a title and may have a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Titled {
    Feature,
    Rule,
    Background,
    Scenario,
    Examples,
}

/// What has steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Background,
    Scenario,
}

/// What the last line left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Start,
    Language,
    FeatureTags,
    RuleTags,
    ScenarioTags,
    ExamplesTags,
    /// After a title.
    Title(Titled),
    /// In the description below a title.
    Description(Titled),
    /// After a step.
    Step(Owner),
    /// In a step's table; `doc` tells whether a doc string stands before it.
    Table {
        owner: Owner,
        doc: bool,
    },
    /// In a step's doc string; `table` tells whether a table stands before it.
    OpenDoc {
        owner: Owner,
        table: bool,
    },
    /// After a step's doc string.
    ClosedDoc {
        owner: Owner,
        table: bool,
    },
    /// In the table of examples.
    ExamplesTable,
}

impl State {
    /// The kinds of lines that may come now, in the order in which they are tried.
    pub(crate) fn accepts(self) -> &'static [Kind] {
        use Kind::{
            Background, Comment, Delimiter, Empty, End, Examples, Feature, Language, Row, Rule, Scenario, Step, Tags,
            Text,
        };
        match self {
            Self::Start => &[End, Language, Tags, Feature, Comment, Empty],
            Self::Language | Self::FeatureTags => &[Tags, Feature, Comment, Empty],
            Self::RuleTags => &[Tags, Rule, Comment, Empty],
            Self::ScenarioTags => &[Tags, Scenario, Comment, Empty],
            Self::ExamplesTags => &[Tags, Examples, Comment, Empty],
            Self::Title(Titled::Feature | Titled::Rule) => {
                &[End, Empty, Comment, Background, Tags, Scenario, Rule, Text]
            }
            Self::Title(Titled::Background) => &[End, Empty, Comment, Step, Tags, Scenario, Rule, Text],
            Self::Title(Titled::Scenario) => &[End, Empty, Comment, Step, Tags, Examples, Scenario, Rule, Text],
            Self::Title(Titled::Examples) => &[End, Empty, Comment, Row, Tags, Examples, Scenario, Rule, Text],
            Self::Description(Titled::Feature | Titled::Rule) => {
                &[End, Comment, Background, Tags, Scenario, Rule, Text]
            }
            Self::Description(Titled::Background) => &[End, Comment, Step, Tags, Scenario, Rule, Text],
            Self::Description(Titled::Scenario) => &[End, Comment, Step, Tags, Examples, Scenario, Rule, Text],
            Self::Description(Titled::Examples) => &[End, Comment, Row, Tags, Examples, Scenario, Rule, Text],
            Self::OpenDoc { .. } => &[Delimiter, Text],
            Self::Step(Owner::Background) => &[End, Row, Delimiter, Step, Tags, Scenario, Rule, Comment, Empty],
            Self::Step(Owner::Scenario) => &[
                End, Row, Delimiter, Step, Tags, Examples, Scenario, Rule, Comment, Empty,
            ],
            Self::Table {
                owner: Owner::Background,
                doc: false,
            } => &[End, Row, Delimiter, Step, Tags, Scenario, Rule, Comment, Empty],
            Self::Table {
                owner: Owner::Scenario,
                doc: false,
            } => &[
                End, Row, Delimiter, Step, Tags, Examples, Scenario, Rule, Comment, Empty,
            ],
            Self::Table {
                owner: Owner::Background,
                doc: true,
            }
            | Self::ClosedDoc {
                owner: Owner::Background,
                table: false,
            } => &[End, Row, Step, Tags, Scenario, Rule, Comment, Empty],
            Self::Table {
                owner: Owner::Scenario,
                doc: true,
            }
            | Self::ClosedDoc {
                owner: Owner::Scenario,
                table: false,
            } => &[End, Row, Step, Tags, Examples, Scenario, Rule, Comment, Empty],
            Self::ClosedDoc {
                owner: Owner::Background,
                table: true,
            } => &[End, Step, Tags, Scenario, Rule, Comment, Empty],
            Self::ClosedDoc {
                owner: Owner::Scenario,
                table: true,
            } => &[End, Step, Tags, Examples, Scenario, Rule, Comment, Empty],
            Self::ExamplesTable => &[End, Row, Tags, Examples, Scenario, Rule, Comment, Empty],
        }
    }
}
