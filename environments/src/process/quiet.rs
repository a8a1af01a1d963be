//! From when on a sandbox can be held quiet, and after which time.

use momus_engine::activity::Activity;
use momus_engine::mesh::Mesh;

/// All services of a mesh are ready: what they do from now on shows within the longest `settle` of them. Where one does not
/// say how long that is, nobody can tell.
pub(super) fn begin(mesh: &Mesh, activity: &Activity) {
    let mut longest = None;
    for (name, service) in &mesh.services {
        match service.settle {
            Some(settle) => longest = longest.max(Some(settle)),
            None => activity.is_hidden(format!("{name} has no `settle` in the mesh file")),
        }
    }
    activity.settles_in(longest);
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use momus_engine::activity::Quiet;

    use super::*;

    fn begun(settles: [&str; 2]) -> Activity {
        let services = ["shop", "billing"].iter().zip(settles);
        let services: String = services
            .map(|(name, settle)| format!("  {name}: {{url: 'http://127.0.0.1:1'{settle}}}\n"))
            .collect();
        let mesh = Mesh::parse(&format!("mesh: m\nservices:\n{services}"), Path::new("/m/mesh.yaml"));
        let activity = Activity::new(None);
        begin(&mesh.unwrap(), &activity);
        activity
    }

    #[tokio::test]
    async fn the_longest_of_all_services_counts_and_one_that_does_not_say_hides_all() {
        let activity = begun([", settle: 300ms", ", settle: 2s"]);
        assert_eq!(activity.settle(), Some(Duration::from_secs(2)));
        assert!(matches!(activity.quiet(), Quiet::NotYet { at: Some(_), .. }));
        let why = "billing has no `settle` in the mesh file".into();
        assert_eq!(begun([", settle: 300ms", ""]).quiet(), Quiet::Hidden { why });
    }
}
