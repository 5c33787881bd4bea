use std::time::{Duration, Instant};

use ::base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::*;
use crate::credentials::{Secret, app_id, public_key};

fn prefixes() -> Vec<String> {
    vec!["prod".into(), "dev".into()]
}

fn found(text: &str) -> Found {
    scan(text.as_bytes(), &prefixes())
}

/// The lines of this one.
#[track_caller]
fn lines_of(found: &Found, secret: &Secret) -> Vec<u32> {
    let candidate = found.candidates.iter().find(|candidate| candidate.hash == secret.hash());
    candidate.unwrap_or_else(|| panic!("not found: {found:?}")).lines.clone()
}

#[test]
fn every_kind_is_found_however_it_is_surrounded() {
    let secrets = [Secret::for_key("prod"), Secret::for_application(), Secret::for_gateway()];
    for secret in &secrets {
        let secret_text = secret.reveal();
        for text in [
            secret_text.to_owned(),
            format!("API_KEY={secret_text}"),
            format!("API_KEY_{secret_text}"),
            format!("export KEY='{secret_text}';"),
            format!("{{\"key\":\"{secret_text}\"}}"),
            format!("{{\\\"key\\\":\\\"{secret_text}\\\"}}"),
            format!("line\\n{secret_text}\\nline"),
            format!("+{secret_text}"),
            format!("-{secret_text}"),
            format!("https://x.example/?k={secret_text}&y"),
            format!("https%3A%2F%2Fx.example%2F%3Fk%3D{secret_text}%26y"),
            format!("k%3d{}", secret_text.replace('_', "%5F")),
            format!("k%253D{}", secret_text.replace('_', "%255f")),
            secret_text.replace('_', "\\u005f"),
            secret_text.replace('_', "&#95;"),
            format!("ünï→{secret_text}←"),
            format!("Authorization: Bearer {secret_text}\r"),
            format!("<td>{secret_text}</td>"),
            format!("abc{secret_text}"),
            format!("{secret_text}_more"),
            format!("{secret_text}0more"),
            STANDARD.encode(secret_text),
            format!("key: {}", STANDARD.encode(format!("A=1\nB={secret_text}\n"))),
            URL_SAFE_NO_PAD.encode(format!("ÿÿ?>{secret_text}")),
            format!("x{}", STANDARD.encode(secret_text)),
            format!("xy_{}", STANDARD.encode(secret_text)),
            STANDARD.encode(format!(
                "{{\"auth\":\"{}\"}}",
                STANDARD.encode(format!("u:{secret_text}"))
            )),
        ] {
            let found = found(&format!("first\n{text}\nlast"));
            assert_eq!(lines_of(&found, secret), [2], "{text}");
            assert_eq!(found.secrets().count(), 1, "{text}");
        }
        let wide: Vec<u8> = secret_text.bytes().flat_map(|byte| [byte, 0]).collect();
        assert_eq!(lines_of(&scan(&wide, &[]), secret), [1], "UTF-16");
    }
}

#[test]
fn a_basic_token_holds_both_halves() {
    let (secret, public) = (Secret::for_key("prod"), public_key("prod"));
    let token = secret.basic_token(&public);
    let found = found(&format!("\n\nAuthorization: Basic {}\n", token.reveal()));
    assert_eq!(lines_of(&found, &secret), [3]);
    let kinds: Vec<Kind> = found.candidates.iter().map(|candidate| candidate.kind).collect();
    assert_eq!(kinds, [Kind::PublicKey, Kind::KeySecret]);
    assert_eq!(found.candidates[0].shown, public);
    assert_eq!(found.candidates[1].wrapped, Wrapped::InBase64);
}

#[test]
fn what_is_not_secret_is_told_apart() {
    let (public, id) = (public_key("dev"), app_id());
    let found = found(&format!("x{public} {id} prod_pk_tooshort app_0123456789abcdefX"));
    let shown: Vec<&str> = found.candidates.iter().map(|found| found.shown.as_str()).collect();
    assert_eq!(shown, [public.as_str(), id.as_str()]);
    assert_eq!(found.secrets().count(), 0);
}

#[test]
fn nothing_of_a_secret_but_its_ends_is_kept() {
    let secret = Secret::for_key("prod");
    let found = found(&format!("{0}\n{0}\n", secret.reveal()));
    assert_eq!(found.candidates[0].shown, secret.masked());
    assert!(!format!("{found:?}").contains(&secret.reveal()[13..30]));
    assert_eq!(
        (found.candidates[0].lines.as_slice(), found.candidates[0].on_lines),
        (&[1, 2][..], 2)
    );
}

#[test]
fn one_wrong_character_is_mistyped_and_nothing_else_is() {
    let secret = Secret::for_key("prod").reveal().to_owned();
    for text in [
        &secret[..40],
        &secret.replace(&secret[20..22], "zz"),
        "gw_0123456789abcdefgh0123456789ABCDEFGH",
    ] {
        let found = found(&format!("\n{text}"));
        assert_eq!((found.candidates.len(), found.mistyped.as_slice()), (0, &[2][..]), "{text}");
    }
    for text in ["", "_", "sk_", "_sk_", "a_sk_short", "secret_key=1", "my_app_name", "gw_1", "__"]
    {
        assert_eq!(found(text), Found { length: text.len(), ..Found::default() }, "{text}");
    }
}

/// A megabyte of whatever is hardest, in about the time that a megabyte takes.
#[test]
fn hostile_text_takes_no_longer_than_other_text() {
    let secret = Secret::for_key("prod").reveal().to_owned();
    let made: [&dyn Fn() -> String; 10] = [
        &|| "a".repeat(1 << 20),
        &|| "_".repeat(1 << 20),
        &|| "a_".repeat(1 << 19),
        &|| "_sk_".repeat(1 << 18),
        &|| format!("abcdefgh_sk_{}", "a".repeat(40)).repeat((1 << 20) / 52),
        &|| format!("{secret}\n").repeat((1 << 20) / (secret.len() + 1)),
        &|| "%25".repeat((1 << 20) / 3),
        &|| "\\".repeat(1 << 20),
        &|| STANDARD.encode(STANDARD.encode("_sk_".repeat(147_000))),
        &|| format!("{} ", "A".repeat(54)).repeat((1 << 20) / 55),
    ];
    for (number, make) in made.iter().enumerate() {
        let text = make();
        let began = Instant::now();
        scan(text.as_bytes(), &prefixes());
        // Debug builds are some thirty times slower than what runs, and the machine may be busy; squares would take hours.
        assert!(began.elapsed() < Duration::from_secs(30), "{number}: {:?}", began.elapsed());
    }
}

#[test]
fn lines_are_counted_once_however_many_there_are() {
    let secret = Secret::for_gateway();
    let text = format!("{}{}\n", "\n".repeat(500_000), secret.reveal());
    assert_eq!(lines_of(&found(&text), &secret), [500_001]);
}
