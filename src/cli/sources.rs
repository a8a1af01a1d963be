//! What a command line is about: feature files, a mesh, a selection; read and planned, or every error of all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use momus_engine::event::ScenarioPlace;
use momus_engine::masks::{Masks, SecretPlace};
use momus_engine::mesh::{Mesh, NOT_GIVEN};
use momus_engine::plan::{Plan, PlanError, Planner, Selection};
use momus_engine::tags::TagExpression;
use regex::Regex;

use super::diagnostic::Diagnostic;
use super::reading::Reading;
use super::secrets;
use super::settings_file::SettingsFile;
use super::vocabulary::vocabulary;

/// What a command is about.
#[derive(Args, Clone, Debug)]
pub struct Sources {
    /// Feature files, FILE:LINE for single scenarios, folders that are searched, @LIST for a file of such paths
    /// (default: `features` of momus.toml, else the folder features).
    pub paths: Vec<PathBuf>,
    /// Mesh file; of several, later ones override earlier ones (default: `mesh` of momus.toml).
    #[arg(short = 'f', long = "mesh", value_name = "FILE")]
    pub mesh: Vec<PathBuf>,
    /// Only scenarios with these tags, such as '@smoke and not (@slow or @flaky)'.
    #[arg(short = 't', long, value_name = "EXPRESSION", value_parser = TagExpression::parse)]
    pub tags: Option<TagExpression>,
    /// Only scenarios whose name this regular expression matches.
    #[arg(short = 'n', long, value_name = "REGEX", value_parser = Regex::new)]
    pub name: Option<Regex>,
    /// A profile of momus.toml, a table `[profile.NAME]`, whose keys come before those outside of it; of several, later ones come
    /// first.
    #[arg(short = 'p', long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// What ${NAME} stands for, in features and in the mesh file.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,
    /// The service that fills a role (default: the first that provides it).
    #[arg(long = "role", value_name = "ROLE=SERVICE", value_parser = role)]
    pub roles: Vec<(String, String)>,
    /// A secret, which no output tells: ${NAME} stands for the environment's value, or for what is in FILE.
    #[arg(long = "secret", value_name = "NAME[=@FILE]")]
    pub secrets: Vec<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` sets nothing; hint: `--variable NAME=VALUE`")),
    }
}

fn role(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((role, service)) if !role.is_empty() && !service.is_empty() => Ok((role.to_owned(), service.to_owned())),
        _ => Err(format!("`{text}` fills no role; hint: `--role ROLE=SERVICE`")),
    }
}

/// Everything, read and planned.
pub struct Planned {
    /// What momus.toml says, with the profiles.
    pub settings: SettingsFile,
    /// What is never told.
    pub masks: Arc<Masks>,
    /// How many files were read.
    pub files: usize,
    /// The plan of what is selected.
    pub plan: Plan,
    /// What is no error, and yet seldom meant.
    pub warnings: Vec<Diagnostic>,
    /// Whether phrases were read, and no scenario beside them.
    pub has_phrases_alone: bool,
}

/// Every error that keeps a command from its work.
#[derive(Default)]
pub struct Errors {
    /// What momus.toml says, with the profiles.
    pub settings: SettingsFile,
    /// What is never told.
    pub masks: Arc<Masks>,
    /// How many files were read.
    pub files: usize,
    /// Errors of files as such: a mesh that says what it cannot, a feature that is no Gherkin.
    pub of_files: Vec<Diagnostic>,
    /// Errors of steps and scenarios.
    pub of_plan: Vec<Diagnostic>,
    /// Every scenario that was selected, as far as features could be read, with its errors.
    pub scenarios: Vec<(Arc<ScenarioPlace>, Vec<PlanError>)>,
    /// The feature files as they were read.
    reading: Reading,
}

impl Errors {
    /// All of them, in the order in which they are shown.
    pub fn all(&self) -> impl Iterator<Item = &Diagnostic> {
        self.of_files.iter().chain(&self.of_plan)
    }

    /// The line that an error stands on, as the user wrote it.
    pub fn line_of(&self, error: &PlanError) -> &str {
        self.line(&error.file, error.location.line as usize)
    }

    /// A line of a file as the user wrote it.
    pub fn line(&self, file: &str, line: usize) -> &str {
        self.reading.line(file, line).unwrap_or_default().trim()
    }

    fn one(error: Diagnostic) -> Box<Self> {
        Box::new(Self {
            files: 1,
            of_files: vec![error],
            ..Self::default()
        })
    }

    /// Shows them all on standard error, and how many there are.
    pub fn show(&self) {
        let mut count = 0;
        for error in self.all() {
            count += 1;
            eprintln!("{}", self.masks.text(&error.to_string()));
        }
        eprintln!("{}: {}", plural(self.files, "file"), plural(count, "error"));
    }
}

impl Sources {
    /// Reads and plans.
    ///
    /// # Errors
    /// Every error of every file.
    pub fn plan(&self) -> Result<Planned, Box<Errors>> {
        let settings = self.settings().map_err(Errors::one)?;
        let mut given = self.given(&settings).map_err(Errors::one)?;
        let planned = self.planned(&settings, &mut given);
        planned.map_err(|mut errors| {
            errors.settings = settings;
            errors.masks = given.masks;
            errors
        })
    }

    /// What momus.toml says, with the profiles.
    fn settings(&self) -> Result<SettingsFile, Diagnostic> {
        let folder = std::env::current_dir()
            .map_err(|error| Diagnostic::whole(".", format!("there is no current folder: {error}")))?;
        SettingsFile::find(&folder)?.with_profiles(&self.profiles)
    }

    /// What the command line and momus.toml give values to.
    fn given(&self, settings: &SettingsFile) -> Result<Given, Diagnostic> {
        let secrets = secrets::read(&self.secrets, |name| std::env::var(name).ok())?;
        let mut variables = settings.variables.clone();
        variables.extend(self.variables.iter().cloned());
        for (name, value) in &secrets {
            variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let mut given = Given {
            variables,
            secrets: secrets.into_values().collect(),
            masks: Arc::default(),
        };
        given.mask([])?;
        Ok(given)
    }

    fn planned(&self, settings: &SettingsFile, given: &mut Given) -> Result<Planned, Box<Errors>> {
        let mut reading = Reading::of(&self.paths(settings), settings).map_err(Errors::one)?;
        let vocabulary = vocabulary().map_err(|error| Errors::one(Diagnostic::whole("the vocabulary", error)))?;
        let vocabulary = vocabulary.with_phrases(std::mem::take(&mut reading.phrases));
        let mesh_files = if self.mesh.is_empty() {
            &settings.mesh
        } else {
            &self.mesh
        };
        let mut errors = Errors {
            files: reading.files + mesh_files.len(),
            of_files: std::mem::take(&mut reading.errors),
            ..Errors::default()
        };
        let mesh = if mesh_files.is_empty() {
            Ok(None)
        } else {
            let of_run = |name: &str| given.variables.get(name).cloned().or_else(|| std::env::var(name).ok());
            Mesh::load(mesh_files, &of_run).map(Some)
        };
        let mut mesh = match mesh {
            Ok(mesh) => mesh,
            Err(found) => {
                // With half a mesh every name would be unknown: nothing is planned.
                errors.of_files.splice(0..0, found.iter().map(Diagnostic::of_mesh));
                return Err(Box::new(errors));
            }
        };
        self.fill(mesh.as_mut()).map_err(Errors::one)?;
        let mesh = mesh.map(Arc::new);
        if let Some(mesh) = &mesh {
            given.of_mesh(mesh).map_err(Errors::one)?;
        }
        let selection = Selection {
            tags: self.tags.clone().or_else(|| settings.tags.clone()),
            name: self.name.clone(),
        };
        let planner = Planner {
            vocabulary: &vocabulary,
            mesh,
            variables: Arc::new(given.variables.clone()),
        };
        let has_phrases_alone = !vocabulary.phrases().is_empty() && reading.has_no_scenario();
        let unused = unused(&planner, &reading);
        match planner.plan(std::mem::take(&mut reading.features), &selection) {
            Ok(plan) if errors.of_files.is_empty() => Ok(Planned {
                settings: settings.clone(),
                masks: Arc::clone(&given.masks),
                files: errors.files,
                warnings: [vacuous(&plan, &reading), unused].concat(),
                plan,
                has_phrases_alone,
            }),
            Ok(plan) => {
                errors.scenarios = plan
                    .scenarios
                    .into_iter()
                    .map(|each| (each.place, Vec::new()))
                    .collect();
                Err(Box::new(errors))
            }
            Err(unplanned) => {
                let line = |file: &str, line| reading.line(file, line);
                let told = |error: &PlanError| Diagnostic::of_plan(&line, error);
                errors.of_files.extend(unplanned.of_phrases.iter().map(told));
                errors.of_plan = unplanned.errors.iter().map(told).collect();
                errors.of_files.append(&mut reading.of_others);
                errors.scenarios = unplanned.scenarios;
                errors.reading = reading;
                Err(Box::new(errors))
            }
        }
    }

    /// Has the roles of a mesh filled as the command line says.
    fn fill(&self, mut mesh: Option<&mut Mesh>) -> Result<(), Diagnostic> {
        for (role, service) in &self.roles {
            let filled = match &mut mesh {
                Some(mesh) => mesh.fill(role, service),
                None => Err(format!("`{role}` is a role of a mesh, and {NOT_GIVEN}")),
            };
            filled.map_err(|why| Diagnostic::whole("--role", why))?;
        }
        Ok(())
    }

    fn paths(&self, settings: &SettingsFile) -> Vec<PathBuf> {
        match self.paths.is_empty() {
            true => feature_folders(settings),
            false => self.paths.clone(),
        }
    }

    /// The flags as words, without the paths: what a command that does the same again says.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for mesh in &self.mesh {
            words.extend(["-f".to_owned(), mesh.display().to_string()]);
        }
        for profile in &self.profiles {
            words.extend(["-p".to_owned(), profile.clone()]);
        }
        for (name, value) in &self.variables {
            words.extend(["--variable".to_owned(), format!("{name}={value}")]);
        }
        for (role, service) in &self.roles {
            words.extend(["--role".to_owned(), format!("{role}={service}")]);
        }
        for secret in &self.secrets {
            words.extend(["--secret".to_owned(), secret.clone()]);
        }
        words
    }
}

/// What has a value from outside of features and mesh.
struct Given {
    /// What ${NAME} stands for.
    variables: BTreeMap<String, String>,
    /// The values of secrets.
    secrets: Vec<String>,
    /// What is never told.
    masks: Arc<Masks>,
}

impl Given {
    /// Adds the secrets and the secret places of a mesh.
    fn of_mesh(&mut self, mesh: &Mesh) -> Result<(), Diagnostic> {
        for secret in &mesh.secrets {
            if let Some(value) = &secret.value {
                let name = secret.name.value.clone();
                self.variables.entry(name).or_insert_with(|| value.clone());
            }
            self.secrets.extend(secret.values().cloned());
        }
        self.mask(mesh.redact.iter().cloned())
    }

    fn mask(&mut self, places: impl IntoIterator<Item = SecretPlace>) -> Result<(), Diagnostic> {
        let masks = Masks::new(self.secrets.iter().cloned(), places);
        self.masks = Arc::new(masks.map_err(|why| Diagnostic::whole("--secret", why))?);
        Ok(())
    }
}

/// Where a project's features are.
pub fn feature_folders(settings: &SettingsFile) -> Vec<PathBuf> {
    match settings.features.is_empty() {
        true => vec!["features".into()],
        false => settings.features.clone(),
    }
}

/// The scenarios in which nothing is expected; of an outline's rows the first.
fn vacuous(plan: &Plan, reading: &Reading) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let mut last = None;
    for scenario in plan.scenarios.iter().filter(|scenario| scenario.expects_nothing()) {
        let place = &scenario.place;
        // The rows of an outline have their steps' lines in common.
        let steps = scenario.steps.last().map(|step| (place.file.as_str(), step.place.line));
        if last != steps {
            told.push(Diagnostic::of_vacuous(place, reading.line(&place.file, place.line)));
        }
        last = steps;
    }
    told
}

/// The phrases that nothing calls, where the whole project was read.
fn unused(planner: &Planner<'_>, reading: &Reading) -> Vec<Diagnostic> {
    if !reading.is_whole {
        return Vec::new();
    }
    let unused = planner.unused(&reading.features);
    let told = unused.into_iter().map(|phrase| {
        let source = reading.line(&phrase.file, phrase.location.line as usize);
        Diagnostic::of_unused(phrase, source)
    });
    told.collect()
}

/// A number with its noun: `1 file`, `2 files`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
