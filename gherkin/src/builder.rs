use crate::dialect::{Dialect, KeywordType};
use crate::document::{
    Background, Comment, DataTable, DocString, Examples, Feature, FeatureChild, GherkinDocument, Rule, RuleChild,
    Scenario, Step, TableCell, TableRow, Tag,
};
use crate::grammar::Titled;
use crate::ids::{Id, Ids};
use crate::line::{Line, Span};
use crate::location::Location;

/// Puts a tree together, line by line; what comes goes into what was begun last.
#[derive(Default)]
pub(crate) struct Builder<'a> {
    feature: Option<Feature>,
    comments: Vec<Comment>,
    /// Tags whose owner is still to come.
    tags: Vec<Tag>,
    /// The lines of the description so far.
    description: Vec<&'a str>,
}

/// A title: its place, its keyword and the name after it.
pub(crate) struct Title<'a> {
    pub(crate) location: Location,
    pub(crate) keyword: &'static str,
    pub(crate) name: &'a str,
}

impl<'a> Builder<'a> {
    /// The finished tree, with ids.
    pub(crate) fn finish(mut self) -> GherkinDocument {
        let mut ids = Ids::from(0);
        if let Some(feature) = &mut self.feature {
            ids.number(feature);
        }
        GherkinDocument {
            feature: self.feature,
            comments: self.comments,
            ids: ids.taken(),
        }
    }

    pub(crate) fn comment(&mut self, line: &Line<'a>) {
        let location = Location::new(line.number, 1);
        self.comments.push(Comment {
            location,
            text: line.raw.to_owned(),
        });
    }

    pub(crate) fn tags(&mut self, line: &Line<'a>, tags: Vec<Span>) {
        self.tags.extend(tags.into_iter().map(|(column, name)| Tag {
            location: Location::new(line.number, column),
            name,
            id: Id::default(),
        }));
    }

    pub(crate) fn title(&mut self, titled: Titled, title: &Title<'a>, dialect: &'static Dialect) {
        let Title {
            location,
            keyword,
            name,
        } = *title;
        let (name, description, id) = (name.to_owned(), String::new(), Id::default());
        let steps = Vec::new();
        match titled {
            Titled::Feature => {
                let (tags, language) = (std::mem::take(&mut self.tags), dialect.name);
                let children = Vec::new();
                self.feature = Some(Feature {
                    location,
                    tags,
                    language,
                    keyword,
                    name,
                    description,
                    children,
                });
            }
            Titled::Rule => {
                let (tags, children) = (std::mem::take(&mut self.tags), Vec::new());
                let rule = Rule {
                    location,
                    tags,
                    keyword,
                    name,
                    description,
                    children,
                    id,
                };
                if let Some(feature) = &mut self.feature {
                    feature.children.push(FeatureChild::Rule(rule));
                }
            }
            Titled::Background => {
                let background = Background {
                    location,
                    keyword,
                    name,
                    description,
                    steps,
                    id,
                };
                match self.rule() {
                    Some(rule) => rule.children.push(RuleChild::Background(background)),
                    None => self.feature_child(FeatureChild::Background(background)),
                }
            }
            Titled::Scenario => {
                let (tags, examples) = (std::mem::take(&mut self.tags), Vec::new());
                let scenario = Scenario {
                    location,
                    tags,
                    keyword,
                    name,
                    description,
                    steps,
                    examples,
                    id,
                };
                match self.rule() {
                    Some(rule) => rule.children.push(RuleChild::Scenario(scenario)),
                    None => self.feature_child(FeatureChild::Scenario(scenario)),
                }
            }
            Titled::Examples => {
                let tags = std::mem::take(&mut self.tags);
                let examples = Examples {
                    location,
                    tags,
                    keyword,
                    name,
                    description,
                    table_header: None,
                    table_body: Vec::new(),
                    id,
                };
                if let Some(scenario) = self.scenario() {
                    scenario.examples.push(examples);
                }
            }
        }
    }

    pub(crate) fn describe(&mut self, line: &Line<'a>) {
        self.description.push(line.raw);
    }

    /// Gives the lines of a description to what they describe; blank ones at the end are none.
    pub(crate) fn end_description(&mut self, titled: Titled) {
        let mut lines = std::mem::take(&mut self.description);
        let end = lines
            .iter()
            .rposition(|line| !line.trim().is_empty())
            .map_or(0, |at| at + 1);
        lines.truncate(end);
        let description = match titled {
            Titled::Feature => self.feature.as_mut().map(|feature| &mut feature.description),
            Titled::Rule => self.rule().map(|rule| &mut rule.description),
            Titled::Background => self.background().map(|background| &mut background.description),
            Titled::Scenario => self.scenario().map(|scenario| &mut scenario.description),
            Titled::Examples => self.examples().map(|examples| &mut examples.description),
        };
        if let Some(description) = description {
            *description = lines.join("\n");
        }
    }

    pub(crate) fn step(&mut self, line: &Line<'a>, step: (&'static str, KeywordType, &'a str)) {
        let (keyword, keyword_type, text) = step;
        let step = Step {
            location: line.location(),
            keyword,
            keyword_type,
            text: text.to_owned(),
            data_table: None,
            doc_string: None,
            id: Id::default(),
        };
        if let Some(steps) = self.steps() {
            steps.push(step);
        }
    }

    pub(crate) fn step_row(&mut self, line: &Line<'a>) {
        let row = row(line);
        let Some(step) = self.steps().and_then(|steps| steps.last_mut()) else {
            return;
        };
        match &mut step.data_table {
            Some(table) => table.rows.push(row),
            None => {
                step.data_table = Some(DataTable {
                    location: row.location,
                    rows: vec![row],
                });
            }
        }
    }

    pub(crate) fn examples_row(&mut self, line: &Line<'a>) {
        if let Some(examples) = self.examples() {
            match examples.table_header {
                Some(_) => examples.table_body.push(row(line)),
                None => examples.table_header = Some(row(line)),
            }
        }
    }

    pub(crate) fn doc_string(&mut self, doc: DocString) {
        if let Some(step) = self.steps().and_then(|steps| steps.last_mut()) {
            step.doc_string = Some(doc);
        }
    }

    /// The first row of the last step's table with another number of cells than its first row.
    pub(crate) fn odd_step_row(&mut self) -> Option<(&TableRow, usize)> {
        let table = self.steps()?.last()?.data_table.as_ref()?;
        odd_row(table.rows.iter())
    }

    /// The same in the last examples.
    pub(crate) fn odd_examples_row(&mut self) -> Option<(&TableRow, usize)> {
        let examples = self.examples()?;
        odd_row(examples.table_header.iter().chain(&examples.table_body))
    }

    fn feature_child(&mut self, child: FeatureChild) {
        if let Some(feature) = &mut self.feature {
            feature.children.push(child);
        }
    }

    fn rule(&mut self) -> Option<&mut Rule> {
        match self.feature.as_mut()?.children.last_mut()? {
            FeatureChild::Rule(rule) => Some(rule),
            FeatureChild::Background(_) | FeatureChild::Scenario(_) => None,
        }
    }

    fn background(&mut self) -> Option<&mut Background> {
        match self.feature.as_mut()?.children.last_mut()? {
            FeatureChild::Background(background) => Some(background),
            FeatureChild::Scenario(_) => None,
            FeatureChild::Rule(rule) => match rule.children.last_mut()? {
                RuleChild::Background(background) => Some(background),
                RuleChild::Scenario(_) => None,
            },
        }
    }

    fn scenario(&mut self) -> Option<&mut Scenario> {
        match self.feature.as_mut()?.children.last_mut()? {
            FeatureChild::Background(_) => None,
            FeatureChild::Scenario(scenario) => Some(scenario),
            FeatureChild::Rule(rule) => match rule.children.last_mut()? {
                RuleChild::Background(_) => None,
                RuleChild::Scenario(scenario) => Some(scenario),
            },
        }
    }

    fn examples(&mut self) -> Option<&mut Examples> {
        self.scenario()?.examples.last_mut()
    }

    fn steps(&mut self) -> Option<&mut Vec<Step>> {
        match self.feature.as_mut()?.children.last_mut()? {
            FeatureChild::Background(background) => Some(&mut background.steps),
            FeatureChild::Scenario(scenario) => Some(&mut scenario.steps),
            FeatureChild::Rule(rule) => match rule.children.last_mut()? {
                RuleChild::Background(background) => Some(&mut background.steps),
                RuleChild::Scenario(scenario) => Some(&mut scenario.steps),
            },
        }
    }
}

fn row(line: &Line<'_>) -> TableRow {
    let cells = line.cells().into_iter().map(|(column, value)| TableCell {
        location: Location::new(line.number, column),
        value,
    });
    TableRow {
        location: line.location(),
        cells: cells.collect(),
        id: Id::default(),
    }
}

fn odd_row<'r>(mut rows: impl Iterator<Item = &'r TableRow>) -> Option<(&'r TableRow, usize)> {
    let cells = rows.next()?.cells.len();
    rows.find(|row| row.cells.len() != cells).map(|row| (row, cells))
}
