//! Building the services.

use std::collections::BTreeMap;

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Mesh, Place};

use crate::cache::Progress;
use crate::guardian::{Command, Guardian};

/// How many of the last lines of a failing build are shown.
const SHOWN: usize = 40;

/// Runs every build command of the mesh, each once, one after another: compilers use all cores themselves.
///
/// # Errors
/// The first build that fails, with the last lines that it wrote.
pub(super) async fn build(mesh: &Mesh, guardian: &Guardian, progress: &Progress) -> Result<(), StepError> {
    let mut commands: BTreeMap<&str, (&Place, Vec<&str>)> = BTreeMap::new();
    for (name, service) in &mesh.services {
        if let Some(build) = &service.build {
            let (_, services) = commands.entry(build).or_insert((&build.place, Vec::new()));
            services.push(name);
        }
    }
    for (line, (place, services)) in commands {
        let who = services.join(", ");
        progress(&format!("building {who}"));
        let command = Command::new("/bin/sh")
            .argument("-c")
            .argument(line)
            .inherit_environment()
            .working_dir(&mesh.folder)
            .label("build");
        let finished = guardian
            .run(command, |line| progress(&format!("building {who}: {line}")))
            .await;
        let finished = finished.map_err(|error| Failure::unknown(error.to_string()))?;
        if !finished.exit.success() {
            let lines: Vec<&str> = finished.output.lines().collect();
            let last = lines[lines.len().saturating_sub(SHOWN)..]
                .iter()
                .map(|line| (*line).to_owned());
            let message = format!("the build of {who} ended with {}: `{line}`", finished.exit);
            return Err(Failure::unknown(message)
                .hint(format!("it stands at {place}, and runs in {}", mesh.folder.display()))
                .output(last));
        }
    }
    Ok(())
}
