//! `tests/platforms.md` says which spec shows which line of the platforms’ manuals; here it is seen to that it is true.

use std::{fs, path::Path};

use latchkey::presets;

const LIST: &str = include_str!("../platforms.md");

/// The rows below each platform’s heading: line, what the manual says, and what shows it.
fn rows() -> Vec<(usize, &'static str, &'static str, &'static str)> {
    let mut platform = "";
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(LIST.lines()) {
        if let Some(heading) = text.strip_prefix("## ") {
            platform = heading.trim();
        } else if text.starts_with('|') {
            let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 2, "line {line} has two cells");
            if cells[0] != "the manual" && !cells[0].starts_with("---") {
                rows.push((line, platform, cells[0], cells[1]));
            }
        }
    }
    rows
}

/// A spec of that name is there: `folder::file::name`, or `src::…` for one beside the code.
fn is_there(spec: &str) -> bool {
    let (place, name) = spec.rsplit_once("::").unwrap_or(("", spec));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = match place.strip_prefix("src::") {
        Some(beside) => root.join("src").join(beside.replace("::", "/")),
        None => root.join("tests/specs").join(place.replace("::", "/")),
    };
    [place.with_extension("rs"), place.join("mod.rs")].iter().any(|file| {
        let source = fs::read_to_string(file).unwrap_or_default();
        // Not just any function: one that is run.
        source.split("test]\n").skip(1).any(|test| {
            let signature = test.trim_start().trim_start_matches("async ");
            signature.starts_with(&format!("fn {name}()"))
        })
    })
}

#[test]
fn every_line_of_the_manuals_names_a_spec_that_is_there() {
    for (line, _, says, shown_by) in rows() {
        assert!(!says.is_empty(), "line {line} says nothing");
        let specs: Vec<&str> = shown_by.split_whitespace().collect();
        assert!(!specs.is_empty(), "line {line}, “{says}”, is shown by nothing");
        for spec in specs {
            let name = spec.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            assert!(name.is_some_and(is_there), "line {line}: there is no spec {spec}");
        }
    }
}

#[test]
fn every_platform_is_in_the_list() {
    let rows = rows();
    for preset in presets::list() {
        let lines = rows.iter().filter(|(_, platform, ..)| *platform == preset.slug).count();
        assert!(lines > 0, "nothing is said of {}", preset.slug);
    }
    for (line, platform, ..) in rows {
        assert!(presets::find(platform).is_some(), "line {line} belongs to no platform");
    }
}
