use crate::dialect::KeywordType;
use crate::document::{
    Background, DataTable, DocString, Examples, FeatureChild, GherkinDocument, Rule, RuleChild, Scenario, Step,
    TableRow, Tag,
};
use crate::ids::Ids;
use crate::pickle::{
    Pickle, PickleArgument, PickleCell, PickleDocString, PickleRow, PickleRule, PickleStep, PickleTable, PickleTag,
    StepType,
};

/// What a document has to run, in order: a pickle for each scenario and for each row of an outline's
/// examples. `uri` names the file in each.
pub fn pickles(document: &GherkinDocument, uri: &str) -> Vec<Pickle> {
    let Some(feature) = &document.feature else {
        return Vec::new();
    };
    let mut compiler = Compiler {
        uri,
        language: feature.language,
        ids: Ids::from(document.ids),
        pickles: Vec::new(),
    };
    let mut scope = Scope::default();
    scope.tags.extend(&feature.tags);
    for child in &feature.children {
        match child {
            FeatureChild::Background(Background { steps, .. }) => scope.steps.extend(steps),
            FeatureChild::Scenario(scenario) => compiler.scenario(scenario, &scope),
            FeatureChild::Rule(rule) => compiler.rule(rule, scope.clone()),
        }
    }
    compiler.pickles
}

/// What scenarios inherit.
#[derive(Clone, Default)]
struct Scope<'d> {
    tags: Vec<&'d Tag>,
    steps: Vec<&'d Step>,
    rule: Option<&'d Rule>,
}

struct Compiler<'u> {
    uri: &'u str,
    language: &'static str,
    ids: Ids,
    pickles: Vec<Pickle>,
}

/// The placeholders of an outline, as they stand in a text, and their values in one row.
struct Values<'d> {
    row: &'d TableRow,
    placeholders: &'d [String],
}

impl Values<'_> {
    fn fill(values: Option<&Self>, text: &str) -> String {
        let mut filled = text.to_owned();
        let Some(Self { row, placeholders }) = values else {
            return filled;
        };
        for (placeholder, cell) in placeholders.iter().zip(&row.cells) {
            if filled.contains(placeholder) {
                filled = filled.replace(placeholder, &cell.value);
            }
        }
        filled
    }
}

impl Compiler<'_> {
    fn rule<'d>(&mut self, rule: &'d Rule, mut scope: Scope<'d>) {
        scope.tags.extend(&rule.tags);
        scope.rule = Some(rule);
        for child in &rule.children {
            match child {
                RuleChild::Background(Background { steps, .. }) => scope.steps.extend(steps),
                RuleChild::Scenario(scenario) => self.scenario(scenario, &scope),
            }
        }
    }

    fn scenario(&mut self, scenario: &Scenario, scope: &Scope<'_>) {
        if scenario.examples.is_empty() {
            self.pickle(scenario, scope, None);
        }
        for examples in &scenario.examples {
            let Some(header) = &examples.table_header else {
                continue;
            };
            let placeholders = header.cells.iter().map(|cell| format!("<{}>", cell.value));
            let placeholders = &placeholders.collect::<Vec<_>>();
            for row in &examples.table_body {
                self.pickle(scenario, scope, Some((examples, Values { row, placeholders })));
            }
        }
    }

    fn pickle(&mut self, scenario: &Scenario, scope: &Scope<'_>, expanded: Option<(&Examples, Values<'_>)>) {
        let (examples, values) = expanded.unzip();
        let row = values.as_ref().map(|values| values.row);
        let mut kind = StepType::Unknown;
        let mut steps = Vec::with_capacity(scope.steps.len() + scenario.steps.len());
        if !scenario.steps.is_empty() {
            for step in &scope.steps {
                kind = resolve(step.keyword_type, kind);
                steps.push(self.step(step, kind, None));
            }
        }
        for step in &scenario.steps {
            kind = resolve(step.keyword_type, kind);
            steps.push(self.step(step, kind, values.as_ref()));
        }
        let own = scenario.tags.iter().chain(examples.into_iter().flat_map(|e| &e.tags));
        let tags = scope.tags.iter().copied().chain(own);
        self.pickles.push(Pickle {
            id: self.ids.draw(),
            uri: self.uri.to_owned(),
            location: row.map_or(scenario.location, |row| row.location),
            ast_node_ids: [scenario.id].into_iter().chain(row.map(|row| row.id)).collect(),
            tags: tags.map(tag).collect(),
            name: Values::fill(values.as_ref(), &scenario.name),
            language: self.language,
            steps,
            rule: scope.rule.map(|rule| PickleRule {
                location: rule.location,
                name: rule.name.clone(),
            }),
            scenario: scenario.location,
            examples: examples.map(|examples| examples.location),
            row: row.map(|row| row.location),
        });
    }

    fn step(&mut self, step: &Step, kind: StepType, values: Option<&Values<'_>>) -> PickleStep {
        let row = values.map(|values| values.row);
        PickleStep {
            id: self.ids.draw(),
            ast_node_ids: [step.id].into_iter().chain(row.map(|row| row.id)).collect(),
            text: Values::fill(values, &step.text),
            kind,
            argument: argument(step, values).map(Box::new),
            keyword: step.keyword,
            location: step.location,
            row: row.map(|row| row.location),
        }
    }
}

/// The kind of a step, given that of the step before it.
fn resolve(keyword: KeywordType, before: StepType) -> StepType {
    match keyword {
        KeywordType::Context => StepType::Context,
        KeywordType::Action => StepType::Action,
        KeywordType::Outcome => StepType::Outcome,
        KeywordType::Unknown => StepType::Unknown,
        KeywordType::Conjunction => before,
    }
}

fn tag(tag: &Tag) -> PickleTag {
    PickleTag {
        name: tag.name.clone(),
        ast_node_id: tag.id,
        location: tag.location,
    }
}

fn argument(step: &Step, values: Option<&Values<'_>>) -> Option<PickleArgument> {
    let (table, doc) = (step.data_table.as_ref(), step.doc_string.as_ref());
    let (table_index, doc_index) = match (table, doc) {
        (None, None) => return None,
        (Some(table), Some(doc)) if table.location < doc.location => (Some(1), Some(2)),
        (Some(_), Some(_)) => (Some(2), Some(1)),
        (Some(_), None) | (None, Some(_)) => (None, None),
    };
    Some(PickleArgument {
        doc_string: doc.map(|doc| doc_string(doc, doc_index, values)),
        data_table: table.map(|table| data_table(table, table_index, values)),
    })
}

fn doc_string(doc: &DocString, argument_index: Option<u8>, values: Option<&Values<'_>>) -> PickleDocString {
    PickleDocString {
        argument_index,
        media_type: doc.media_type.as_ref().map(|media| Values::fill(values, media)),
        content: Values::fill(values, &doc.content),
        location: doc.location,
    }
}

fn data_table(table: &DataTable, argument_index: Option<u8>, values: Option<&Values<'_>>) -> PickleTable {
    let row = |row: &TableRow| PickleRow {
        cells: row
            .cells
            .iter()
            .map(|cell| PickleCell {
                value: Values::fill(values, &cell.value),
                location: cell.location,
            })
            .collect(),
        location: row.location,
    };
    PickleTable {
        argument_index,
        rows: table.rows.iter().map(row).collect(),
    }
}
