//! What strangers wrote, made fit to be kept and shown: no secrets, nothing invisible, nothing without end.

use std::fmt::Write;

use percent_encoding::percent_decode_str;

use crate::{credentials::Presented, text};

/// A path or a User-Agent is kept up to this many bytes.
pub const LONGEST: usize = 512;
/// What stands for something that was meant as a secret.
const A_SECRET: &str = "[a secret]";

/// A text that somebody sent, cut to `most` bytes at a character's end. What cannot be shown is spelled out (`\u{202e}`),
/// and what looks like a secret is left out.
pub fn tame(sent: &str, most: usize) -> String {
    // Whatever comes after has no say in what is kept, beyond a secret that begins before.
    let sent = &sent[..boundary(sent, most * 2)];
    if has_secret(sent) {
        return A_SECRET.into();
    }
    let mut kept = String::with_capacity(sent.len().min(most));
    for character in sent.chars() {
        if is_plain(character) {
            kept.push(character);
        } else {
            let _ = write!(kept, "{}", character.escape_unicode());
        }
        if kept.len() > most {
            kept.truncate(boundary(&kept, most - "…".len()));
            kept.push('…');
            break;
        }
    }
    kept
}

/// The end of the last character that begins and ends within so many bytes.
fn boundary(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The path of an address: without scheme and host, query string and fragment, which nobody needs here and which may
/// hold anything.
pub fn path(sent: &str) -> String {
    let path = sent.split(['?', '#']).next().unwrap_or_default();
    let path = match path.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => path,
    };
    tame(path, LONGEST)
}

fn has_secret(text: &str) -> bool {
    Presented::looks_secret(text)
        || (text.contains('%')
            && Presented::looks_secret(&percent_decode_str(text).decode_utf8_lossy()))
}

fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    text::is_showable(character.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Secret;

    #[test]
    fn what_can_be_shown_is_kept_as_it_is() {
        for sent in ["/orders/42", "curl/8.5.0", "/größe/🚀", "<script>alert(1)</script>", "=1+1"]
        {
            assert_eq!(tame(sent, LONGEST), sent);
        }
    }

    #[test]
    fn what_cannot_be_shown_is_spelled_out() {
        assert_eq!(tame("a\0b\r\nc\u{1b}[31m", 99), r"a\u{0}b\u{d}\u{a}c\u{1b}[31m");
        assert_eq!(tame("exe.\u{202e}gpj", 99), r"exe.\u{202e}gpj");
        assert_eq!(tame("\u{fffd}\u{200b}", 99), r"\u{fffd}\u{200b}");
    }

    #[test]
    fn what_is_long_is_cut_at_the_end_of_a_character() {
        for long in ["ü".repeat(1_000), "a".repeat(513), "\u{202e}".repeat(300), "🚀".repeat(200)]
        {
            let kept = tame(&long, LONGEST);
            assert!(kept.len() <= LONGEST && kept.ends_with('…'), "{}", kept.len());
        }
        assert_eq!(tame(&"a".repeat(512), LONGEST).len(), 512);
    }

    #[test]
    fn a_path_is_only_the_path() {
        for (sent, kept) in [
            ("/a/b?token=x#y", "/a/b"),
            ("/a#b?c", "/a"),
            ("https://shop.example/a/b?c", "/a/b"),
            ("https://shop.example", "/"),
            ("/redirect/https://x.example/a", "/redirect/https://x.example/a"),
            ("", ""),
            ("?x", ""),
        ] {
            assert_eq!(path(sent), kept, "{sent}");
        }
    }

    #[test]
    fn no_secret_is_kept_however_it_is_spelled() {
        let secret = Secret::for_key("prod");
        let secret = secret.reveal();
        for sent in [
            format!("/keys/{secret}/orders"),
            format!("/keys/{}", secret.replace('_', "%5F")),
            format!("agent {secret}"),
            format!("/{}/{secret}", "a".repeat(500)),
        ] {
            assert_eq!(path(&sent), A_SECRET);
        }
    }
}
