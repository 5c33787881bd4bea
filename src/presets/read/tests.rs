use super::*;
use crate::presets;

const FILE: &str = r#"slug = "shop"
name = "Shop"
summary = "A shop"

[wording]
product_name = "Shop console"
keys_section = "Developers"
keys_title = "API Keys"
create_label = "Create Key"
path = "developer/api-keys"

[policy]
new_key_all_permissions = false
managers_may_revoke = true

[[environments]]
slug = "production"
name = "Production"
prefix = "prod"
mode = "live"
longest_days = 90

[[sections]]
slug = "orders"
name = "Orders"
[[sections.permissions]]
slug = "orders:read"
label = "Read orders"
description = ""
access = "READ"
"#;

fn faults(text: &str) -> Vec<(usize, String)> {
    read(text).unwrap_err().into_iter().map(|fault| (fault.line, fault.sentence)).collect()
}

#[test]
fn every_preset_is_such_a_file_and_comes_back_as_it_was_written() {
    for preset in presets::list() {
        let text = toml::to_string(preset).unwrap();
        assert_eq!(read(&text).unwrap().preset, *preset, "{}", preset.slug);
    }
}

#[test]
fn a_longest_lifetime_means_that_keys_end() {
    let environment = &read(FILE).unwrap().preset.environments[0];
    assert_eq!((environment.longest_days, environment.allows_never), (Some(90), Some(false)));
    let both = FILE.replace("longest_days = 90", "longest_days = 90\nallows_never = true");
    assert_eq!(faults(&both)[0].0, 22);
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let wrong = FILE
        .replace("name = \"Shop\"\n", "name = 7\n")
        .replace("path = \"developer/api-keys\"", "path = \"keys\"\ncolour = \"red\"")
        .replace("managers_may_revoke = true", "managers_may_revoke = \"true\"")
        .replace("prefix = \"prod\"", "prefix = \"Prod\"")
        .replace("mode = \"live\"", "mode = \"real\"")
        .replace("access = \"READ\"", "access = \"read\"")
        + "[[sections.permissions]]\nslug = \"orders:read\"\nlabel = \"Again\"\naccess = \"WRITE\"\n";
    let said = faults(&wrong);
    let lines: Vec<usize> = said.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 10, 11, 15, 20, 21, 31, 32, 33], "{said:#?}");
    assert!(said[2].1.contains("“colour”"), "{said:#?}");
    assert!(said[7].1.contains("lacks description"), "{said:#?}");
    assert!(said[8].1.contains("twice; the other is on line 28"), "{said:#?}");
}

#[test]
fn broken_syntax_hides_no_other_mistake() {
    let wrong = FILE
        .replace("slug = \"orders\"", "slug = orders\"")
        .replace("\"test\"", "")
        .replace("prefix = \"prod\"", "prefix = \"p\"")
        + "= 3\n";
    let said = faults(&wrong);
    assert!(
        said.iter().any(|(line, sentence)| *line == 19 && sentence.contains("prefix")),
        "{said:#?}"
    );
    assert!(
        said.iter().any(|(line, sentence)| *line == 24 && sentence.contains("TOML")),
        "{said:#?}"
    );
    assert!(
        said.iter().any(|(line, sentence)| *line == 31 && sentence.contains("TOML")),
        "{said:#?}"
    );
}

#[test]
fn nothing_at_all_lacks_everything() {
    let said = faults("");
    assert!(said.len() >= 7, "{said:#?}");
    assert!(said.iter().all(|(line, _)| *line == 1));
    for text in [
        "\0",
        "[[[[",
        "a = [[[[[[",
        &"[".repeat(20_000),
        "sections = 1",
        "sections = [1]",
        "wording = []",
    ] {
        assert!(read(text).is_err());
    }
}

#[test]
fn a_file_with_a_hundred_thousand_faults_is_read_in_one_go() {
    let said = faults(&"[[sections]]\n".repeat(20_000));
    assert!(said.len() > 40_000, "{}", said.len());
    assert_eq!(said.last().map(|(line, _)| *line), Some(20_000));
}
