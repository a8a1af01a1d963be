//! Files that steps name: they stand beside the feature, or the phrase, in which the step is written.

use std::path::{Path, PathBuf};

use crate::event::Frame;

/// Where the files are looked for that a step names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The file in which the step is written; for a phrase's step those behind it that lead there, the nearest call first:
    /// what a call passes on it names from where it stands itself.
    written: Vec<String>,
}

impl Files {
    /// Those of a step in this file, which stands under these calls, outermost first.
    pub fn of<'f>(file: &str, within: impl DoubleEndedIterator<Item = &'f Frame>) -> Self {
        let mut written = vec![file.to_owned()];
        for call in within.rev() {
            if !written.contains(&call.file) {
                written.push(call.file.clone());
            }
        }
        Self { written }
    }

    /// The file of this name.
    ///
    /// # Errors
    /// A message that tells where it is not.
    pub fn find(&self, name: &str) -> Result<PathBuf, String> {
        let candidates = self.written.iter().map(|file| beside(file, name));
        if let Some(found) = candidates.clone().find(|path| path.is_file()) {
            return Ok(found);
        }
        let hint = match candidates.clone().find_map(|path| nearest(&path, name)) {
            _ if candidates.clone().any(|path| path.is_dir()) => "it is a folder".to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None => "its name is relative to the file in which the step is written".to_owned(),
        };
        let written = self.written.join(" or ");
        Err(format!("there is no file `{name}` beside {written}; hint: {hint}"))
    }
}

fn beside(file: &str, name: &str) -> PathBuf {
    Path::new(file).parent().unwrap_or(Path::new("")).join(name)
}

/// The file in the folder of another that is named much alike, as it would be written.
fn nearest(path: &Path, name: &str) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let near = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|each| strsim::jaro_winkler(each, wanted) > 0.85)
        .max_by(|one, other| strsim::jaro_winkler(one, wanted).total_cmp(&strsim::jaro_winkler(other, wanted)))?;
    Some(format!("{}{near}", name.strip_suffix(wanted)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(file: &str) -> Frame {
        Frame {
            file: file.into(),
            line: 3,
            text: "Given it".into(),
        }
    }

    #[test]
    fn a_file_stands_beside_the_step_or_beside_what_calls_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).to_str().expect("it is text").to_owned();
        for name in ["steps/schemas/order.json", "photo.png"] {
            let path = PathBuf::from(at(name));
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("it is made");
            std::fs::write(path, "{}").expect("it is written");
        }
        let (phrase, feature) = (at("steps/a.feature"), at("orders.feature"));
        let files = Files::of(&phrase, [call(&feature)].iter());
        let found = |name: &str| {
            files
                .find(name)
                .map(|path| path.to_str().unwrap_or_default().to_owned())
        };
        assert_eq!(found("schemas/order.json"), Ok(at("steps/schemas/order.json")));
        assert_eq!(found("photo.png"), Ok(at("photo.png")));
        assert_eq!(
            found("schemas/ordre.json"),
            Err(format!(
                "there is no file `schemas/ordre.json` beside {phrase} or {feature}; hint: did you mean `schemas/order.json`?"
            ))
        );
        assert!(found("schemas").is_err_and(|message| message.ends_with("hint: it is a folder")));
        assert!(found("x").is_err_and(|message| message.contains("is relative to the file")));
        assert_eq!(
            Files::of(&phrase, [call(&phrase)].iter()),
            Files::of(&phrase, [].iter())
        );
    }
}
