//! Inputs that failed once: kept as files, replayed by every later run.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

/// Where the inputs of a target are.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name)
}

/// Every input that ever failed.
pub(crate) fn saved(name: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder(name)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect()
}

/// Keeps an input; gives where.
pub(crate) fn save(name: &str, input: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder(name).join(format!("{:016x}.txt", hasher.finish()));
    let written = std::fs::create_dir_all(folder(name)).and_then(|()| std::fs::write(&path, input));
    written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    path
}
