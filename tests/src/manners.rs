//! Manners: short files, doors that are only doors, steps that say how they are undone, nothing
//! unfinished, and a page for every problem.

use std::collections::BTreeSet;

use regex_lite::Regex;

use crate::house::Text;

/// Lines a source file may have. A reader holds one idea at a time.
const LONGEST: usize = 450;

/// Lines a file of tests may have: examples are read one by one.
const LONGEST_TESTS: usize = 1000;

/// Files that may be longer, how much, and why a reader accepts it.
const LONGER: &[(&str, usize, &str)] = &[];

/// Lines a worker's `main.rs` may have: it is a door.
const DOOR: usize = 20;

/// What is wrong with these files.
pub fn complaints(files: &[Text]) -> Vec<String> {
    let mut found = Vec::new();
    let banned = banned();
    for file in files {
        let lines = file.text.lines().count();
        let source = [".rs", ".py", ".ts"]
            .iter()
            .any(|end| file.path.ends_with(end));
        let most = longest(&file.path);
        if source && lines > most {
            found.push(format!(
                "{}: {lines} lines, which is more than {most}",
                file.path
            ));
        }
        if file.path.ends_with(".rs") && !file.text.starts_with("//! ") {
            found.push(format!(
                "{}: says nothing about itself at its top",
                file.path
            ));
        }
        for (what, only, pattern) in &banned {
            if !file.path.ends_with(only) {
                continue;
            }
            // Most files are clean, and one look at the whole is quicker than one at each line.
            if !pattern.is_match(&file.text) {
                continue;
            }
            for (number, _) in file
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| pattern.is_match(line))
            {
                found.push(format!("{}:{}: {what}", file.path, number + 1));
            }
        }
        if let Some(worker) = file.path.strip_prefix("workers/") {
            found.extend(worker_file(worker, file, lines));
        }
    }
    found
}

fn longest(path: &str) -> usize {
    let granted = LONGER.iter().find(|(longer, ..)| *longer == path);
    let tests = path.contains("tests/") || path.ends_with("_tests.rs") || path.contains("/test_");
    match granted {
        Some((_, most, _)) => *most,
        None if tests => LONGEST_TESTS,
        None => LONGEST,
    }
}

fn worker_file(path: &str, file: &Text, lines: usize) -> Vec<String> {
    let mut found = Vec::new();
    if path.ends_with("/src/main.rs") && lines > DOOR {
        found.push(format!("{}: {lines} lines are more than a door", file.path));
    }
    if path.ends_with("/src/lib.rs") {
        let doc: Vec<&str> = file
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(str::trim)
            .collect();
        for start in ["Runs twice: ", "Undone by: "] {
            if !doc.iter().any(|line| line.starts_with(start)) {
                found.push(format!("{}: does not say '{start}...'", file.path));
            }
        }
        if doc.first().is_none_or(|line| {
            line.len() < 20 || line.starts_with("Runs twice") || line.starts_with("Undone")
        }) {
            found.push(format!("{}: does not begin with what it does", file.path));
        }
    }
    found
}

/// What may stand in no file with this ending. Put together from pieces, or this file would complain
/// about itself.
fn banned() -> Vec<(&'static str, &'static str, Regex)> {
    let unfinished = [
        r"\bTO",
        r"DO\b|\bFIX",
        r"ME\b|to",
        r"do!\(|unimple",
        r"mented!\(",
    ]
    .concat();
    [
        ("unfinished", "", unfinished),
        (
            "a test that is switched off",
            ".rs",
            ["#\\[ig", "nore"].concat(),
        ),
        (
            "a test that is switched off",
            ".py",
            ["pytest.mark.(sk", "ip|xf", r"ail)\b"].concat(),
        ),
        ("a fixed sleep", ".rs", ["thread::sl", "eep"].concat()),
        (
            "unsafe code",
            ".rs",
            [r"\buns", r"afe (\{|fn|impl)"].concat(),
        ),
    ]
    .map(|(what, only, pattern)| (what, only, Regex::new(&pattern).expect("a pattern")))
    .into_iter()
    .collect()
}

/// The problem codes, from the table in the domain.
pub fn problem_codes(source: &str) -> BTreeSet<String> {
    let row = Regex::new(r#"(?m)^\s+[A-Z][A-Za-z]+ (?:Record|Parameter|Process) "([a-z_]+)"$"#)
        .expect("a pattern");
    row.captures_iter(source)
        .map(|found| found[1].to_owned())
        .collect()
}

/// The problem codes that have a row on the page for operators, which leads to their own page.
pub fn documented_codes(page: &str) -> BTreeSet<String> {
    let row =
        Regex::new(r"(?m)^\| \[`([a-z_]+)`\]\(([a-z_]+)\.md\) \| .{10,} \|$").expect("a pattern");
    row.captures_iter(page)
        .filter(|found| found[1] == found[2])
        .map(|found| found[1].to_owned())
        .collect()
}

/// What the page of a problem code tells, in this order, in an operator's words.
const TOLD: &[&str] = &[
    "You see",
    "Why",
    "What Lunora does",
    "What you do",
    "How to check",
];

/// What is missing on the page of a problem code.
pub fn page_complaints(code: &str, page: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !page.starts_with("# ") || !page.contains(&format!("\n`{code}`\n")) {
        found.push(format!("{code}: the page does not say what it is about"));
    }
    let mut at = 0;
    for (place, part) in TOLD.iter().enumerate() {
        let head = format!("\n**{part}.**");
        let Some(start) = page[at..].find(&head).map(|start| at + start + head.len()) else {
            found.push(format!("{code}: no '{part}' in its place"));
            continue;
        };
        let end = TOLD.get(place + 1).and_then(|next| {
            page[start..]
                .find(&format!("\n**{next}.**"))
                .map(|end| start + end)
        });
        let words = page[start..end.unwrap_or(page.len())].trim();
        if words.len() < 8 || !words.ends_with(['.', '!']) {
            found.push(format!("{code}: '{part}' says too little"));
        }
        at = start;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn the_house_has_manners() {
        assert_eq!(complaints(&house::texts()), Vec::<String>::new());
    }

    #[test]
    fn no_file_is_granted_lines_it_does_not_need() {
        for (path, most, why) in LONGER {
            let lines = house::read(path).lines().count();
            assert!(
                lines > LONGEST && lines <= *most && !why.is_empty(),
                "{path}: {lines}"
            );
        }
    }

    #[test]
    fn every_problem_is_explained() {
        let codes = problem_codes(&house::read("domain/src/problem.rs"));
        assert!(codes.len() > 30, "{codes:?}");
        assert_eq!(
            documented_codes(&house::read("docs/runbooks/problems.md")),
            codes
        );
    }

    #[test]
    fn the_index_of_problems_says_what_the_pages_say() {
        let index = house::read("docs/runbooks/problems.md");
        for code in problem_codes(&house::read("domain/src/problem.rs")) {
            let page = house::read(&format!("docs/runbooks/{code}.md"));
            let title = page.lines().next().unwrap().trim_start_matches("# ");
            let row = format!("| [`{code}`]({code}.md) | {title} |");
            assert!(index.contains(&row), "no row '{row}'");
        }
    }

    #[test]
    fn every_problem_has_a_page_that_helps() {
        let codes = problem_codes(&house::read("domain/src/problem.rs"));
        let pages = house::texts();
        let found: Vec<String> = codes
            .iter()
            .flat_map(|code| {
                let path = format!("docs/runbooks/{code}.md");
                match pages.iter().find(|file| file.path == path) {
                    Some(file) => page_complaints(code, &file.text),
                    None => vec![format!("{code} has no page")],
                }
            })
            .collect();
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_page_that_does_not_help_is_seen() {
        let good = "# Gone\n\n`gone`\n\n**You see.** It is gone.\n\n**Why.** It was taken.\n\n\
            **What Lunora does.** It makes another.\n\n**What you do.** Nothing at all.\n\n**How to check.** Look again.\n";
        assert_eq!(page_complaints("gone", good), Vec::<String>::new());
        for (what, instead, complaint) in [
            ("# Gone", "Gone", "gone: the page does not say"),
            ("`gone`", "`other`", "gone: the page does not say"),
            ("**Why.**", "**Because.**", "gone: no 'Why' in its place"),
            ("It was taken.", "-", "gone: 'Why' says too little"),
            (
                "Look again.",
                "Look again",
                "gone: 'How to check' says too little",
            ),
        ] {
            let found = page_complaints("gone", &good.replace(what, instead));
            assert!(
                found.iter().any(|line| line.starts_with(complaint)),
                "{complaint}: {found:?}"
            );
        }
    }

    #[test]
    fn a_problem_in_one_place_only_is_seen() {
        let source = "codes! {\n    InvalidId Record \"invalid_id\"\n        \"Advice.\";\n    Internal Process \"internal\"\n        \"Advice.\";\n}\n";
        assert_eq!(
            problem_codes(source),
            BTreeSet::from(["internal".to_owned(), "invalid_id".to_owned()])
        );
        let page = "| code | meanwhile |\n|---|---|\n| [`internal`](internal.md) | stuck; what exists stays |\n| [`invalid_id`](internal.md) | nothing is made |\n| [`wrong_type`](wrong_type.md) |  |\n";
        assert_eq!(
            documented_codes(page),
            BTreeSet::from(["internal".to_owned()])
        );
    }

    #[test]
    fn each_slip_is_seen() {
        let long = format!("//! Long.\n{}", "\n".repeat(LONGEST));
        let worker = "//! Creates the input of one destination.\n//!\n//! Runs twice: finds the first.\n//! Undone by: delete-input.\n";
        for (path, text, complaint) in [
            (
                "cloud/src/long.rs",
                long.as_str(),
                "lines, which is more than",
            ),
            (
                "cloud/src/mute.rs",
                "fn mute() {}\n",
                "says nothing about itself",
            ),
            (
                "cloud/src/later.rs",
                &["//! Later.\n// TO", "DO: more\n"].concat(),
                "later.rs:2: unfinished",
            ),
            (
                "cloud/src/never.rs",
                &["//! Never.\nfn f() { to", "do!() }\n"].concat(),
                "never.rs:2: unfinished",
            ),
            (
                "cloud/src/off.rs",
                &["//! Off.\n#[ig", "nore]\nfn f() {}\n"].concat(),
                "off.rs:2: a test that is switched off",
            ),
            (
                "local/off.py",
                &["@pytest.mark.sk", "ip\n"].concat(),
                "off.py:1: a test that is switched off",
            ),
            (
                "cloud/src/nap.rs",
                &["//! Nap.\nstd::thread::sl", "eep(d);\n"].concat(),
                "nap.rs:2: a fixed sleep",
            ),
            (
                "cloud/src/wild.rs",
                &["//! Wild.\nuns", "afe { f() }\n"].concat(),
                "wild.rs:2: unsafe code",
            ),
            (
                "workers/create-input/src/main.rs",
                &format!("//! The door.\n{}", "// wall\n".repeat(DOOR)),
                "more than a door",
            ),
            (
                "workers/create-input/src/lib.rs",
                &worker.replace("Runs twice: ", ""),
                "does not say 'Runs twice: ...'",
            ),
            (
                "workers/create-input/src/lib.rs",
                &worker.replace("Undone by: ", ""),
                "does not say 'Undone by: ...'",
            ),
            (
                "workers/create-input/src/lib.rs",
                &worker.replace("Creates the input of one destination.", "Soon."),
                "what it does",
            ),
        ] {
            let found = complaints(&[Text::planted(path, text)]);
            assert!(
                found.len() == 1 && found[0].contains(complaint),
                "{path}: {found:?}"
            );
        }
        assert_eq!(
            complaints(&[Text::planted("workers/create-input/src/lib.rs", worker)]),
            Vec::<String>::new()
        );
    }
}
