//! Rules for gitleaks and scanners that read its rules, made of the prefixes there are here.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::Serialize;

/// Characters of a secret after its prefix: randomness and checksum.
const SECRET: usize = 38;
/// Characters of a public key or an App ID after its prefix.
const ID: usize = 16;

/// A file of rules.
#[derive(Serialize)]
struct Rules {
    title: String,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    id: &'static str,
    description: &'static str,
    regex: String,
    #[serde(rename = "secretGroup")]
    secret_group: u8,
    /// Bits a character: 32 random ones have more than this, a placeholder has less.
    entropy: f64,
    /// Only files with one of these are looked at any closer.
    keywords: Vec<String>,
}

/// The rules as TOML.
///
/// # Errors
/// When it cannot be written, which the shape of the rules does not allow.
pub fn rules(prefixes: &[String], address: &str) -> anyhow::Result<String> {
    let mut rules = Vec::new();
    if !prefixes.is_empty() {
        rules.push(Rule {
            id: "latchkey-key-secret",
            description: "A secret key of Latchkey. Look it up under Leak triage and revoke it.",
            regex: word(&format!("(?:{})_sk_[0-9A-Za-z]{{{SECRET}}}", prefixes.join("|"))),
            secret_group: 1,
            entropy: 3.5,
            keywords: prefixes.iter().map(|prefix| format!("{prefix}_sk_")).collect(),
        });
        let pairs = prefixes.iter().map(|prefix| {
            let public = prefix.len() + "_pk_".len();
            in_base64(&format!("{prefix}_pk_"), public + ID + 1 + public + SECRET)
        });
        let (regexes, keywords): (Vec<String>, Vec<String>) = pairs.unzip();
        rules.push(Rule {
            id: "latchkey-basic-token",
            description: "Public and secret key of Latchkey as one Basic token. Look it up under Leak triage.",
            regex: word(&format!("(?:{})", regexes.join("|"))),
            secret_group: 1,
            entropy: 3.5,
            keywords,
        });
    }
    let marked = |id, description, mark: &str| Rule {
        id,
        description,
        regex: word(&format!("{mark}[0-9A-Za-z]{{{SECRET}}}")),
        secret_group: 1,
        entropy: 3.5,
        keywords: vec![mark.to_owned()],
    };
    rules.push(marked(
        "latchkey-app-secret",
        "An App Secret of Latchkey. Rotate it on the page of its application.",
        "secret_",
    ));
    let (regex, keyword) = in_base64("app_", "app_".len() + ID + 1 + "secret_".len() + SECRET);
    rules.push(Rule {
        id: "latchkey-app-basic-token",
        description: "App ID and App Secret of Latchkey as one Basic token. Rotate the App Secret.",
        regex: word(&regex),
        secret_group: 1,
        entropy: 3.5,
        keywords: vec![keyword],
    });
    rules.push(marked(
        "latchkey-gateway-token",
        "The token of a gateway that asks Latchkey. Create another gateway and revoke this one.",
        "gw_",
    ));
    Ok(toml::to_string(&Rules { title: format!("Credentials of {address}"), rules })?)
}

fn word(regex: &str) -> String {
    format!(r"\b({regex})\b")
}

/// What a text of so many letters that begins like this is in base64, and what all of those begin with. Letters, digits,
/// `_` and `:` become letters and digits.
fn in_base64(begin: &str, length: usize) -> (String, String) {
    let fixed = begin.len() * 8 / 6;
    let begin: String = STANDARD_NO_PAD.encode(begin).chars().take(fixed).collect();
    (format!("{begin}[0-9A-Za-z]{{{}}}", (length * 8).div_ceil(6) - fixed), begin)
}
