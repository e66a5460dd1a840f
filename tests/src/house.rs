//! The repository as the rules see it: its files, its workers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A file and what is in it.
#[derive(Clone, Debug)]
pub struct Text {
    /// Path from the top of the repository, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl Text {
    /// A file that only a test has.
    pub fn planted(path: &str, text: &str) -> Text {
        Text {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_path_buf()
}

/// What a file holds.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file that git knows or would add, without the lock files that tools write.
pub fn texts() -> Vec<Text> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(
        listed.status.success(),
        "git cannot list the files: {}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let mut texts: Vec<Text> = String::from_utf8(listed.stdout)
        .expect("file names are UTF-8")
        .split('\0')
        .filter(|path| !path.is_empty() && !is_lock(path))
        .filter_map(|path| {
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(Text {
                path: path.to_owned(),
                text,
            })
        })
        .collect();
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    texts
}

fn is_lock(path: &str) -> bool {
    path.ends_with("Cargo.lock") || path.ends_with("package-lock.json")
}

/// The names of the workers: the folders of `workers/`.
pub fn workers() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("workers"))
        .expect("workers/ exists")
        .map(|entry| entry.expect("workers/ can be read"))
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().expect("names are UTF-8"))
        .collect();
    names.sort();
    names
}

/// `create-input` as `CreateInput`.
pub fn pascal(name: &str) -> String {
    name.split('-')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_found() {
        assert!(texts().iter().any(|file| file.path == "tests/src/house.rs"));
        assert!(workers().contains(&"create-channel".to_owned()));
        assert_eq!(pascal("poll-channel"), "PollChannel");
    }
}
