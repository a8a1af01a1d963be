use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use momus_engine::mesh::Mesh;

use super::{NOTHING_SELECTED, USAGE, drawing, feature_files};

/// Read feature files and the mesh file and show every error on its own line; nothing is started.
///
/// Exit code 0 when all files are right, 2 when one is in error or missing, 4 when there is no scenario.
#[derive(Args)]
pub struct Check {
    /// Feature files, and folders that are searched for them.
    #[arg(default_value = "features")]
    paths: Vec<PathBuf>,
    /// Mesh file; of several, later ones override earlier ones.
    #[arg(short = 'f', long = "mesh", value_name = "FILE")]
    mesh: Vec<PathBuf>,
}

impl Check {
    /// Checks every file, also after one in error.
    pub fn run(&self) -> ExitCode {
        let files = match feature_files::find(&self.paths) {
            Ok(files) => files,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(USAGE);
            }
        };
        let mut scenarios = 0;
        let mut errors = self.check_mesh();
        for file in &files {
            let name = file.display().to_string();
            match std::fs::read_to_string(file) {
                Ok(source) => match momus_gherkin::parse(&source) {
                    Ok(document) => scenarios += momus_gherkin::pickles(&document, &name).len(),
                    Err(found) => {
                        errors += found.len();
                        for error in found {
                            eprintln!("{}", drawing::draw(&name, &source, &error));
                        }
                    }
                },
                Err(error) => {
                    errors += 1;
                    eprintln!("error: {name}: {error}");
                }
            }
        }
        if errors > 0 {
            eprintln!(
                "{}: {}",
                plural(files.len() + self.mesh.len(), "file"),
                plural(errors, "error")
            );
            ExitCode::from(USAGE)
        } else if scenarios == 0 {
            eprintln!(
                "error: no scenario in {}\nhint: name a .feature file, or a folder that has one",
                plural(files.len(), "file")
            );
            ExitCode::from(NOTHING_SELECTED)
        } else {
            println!(
                "{}: {}, no error",
                plural(files.len(), "file"),
                plural(scenarios, "scenario")
            );
            ExitCode::SUCCESS
        }
    }

    /// Shows every error of the mesh files, and tells how many there are.
    fn check_mesh(&self) -> usize {
        if self.mesh.is_empty() {
            return 0;
        }
        match Mesh::load(&self.mesh, &|name| std::env::var(name).ok()) {
            Ok(_) => 0,
            Err(errors) => {
                errors.iter().for_each(|error| eprintln!("error: {error}"));
                errors.len()
            }
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
