//! What may be typed as a name: characters that can be shown, and nothing that pretends to be something else.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::skeleton;

/// Tidies a line as typed: NFC, outer blanks removed.
pub fn tidy(typed: &str) -> String {
    typed.trim().nfc().collect()
}

/// Whether every character can be shown and stored as it is: no control or format characters (bidirectional
/// overrides, zero-width spaces, BOM), nothing unassigned, no U+FFFD left by broken decoding.
/// Emoji are joined with U+200D, which is therefore fine after an emoji.
pub fn is_showable(text: &str) -> bool {
    let mut before = ' ';
    text.chars().all(|character| {
        let fine = match character.general_category() {
            GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator => {
                character == '\u{200d}' && !before.is_ascii() && !before.is_alphabetic()
            }
            _ => character != '\u{fffd}',
        };
        before = character;
        fine
    })
}

/// Whether the text can be kept: like [`is_showable`], but line breaks are fine.
pub fn is_showable_prose(text: &str) -> bool {
    text.split(['\n', '\r']).all(is_showable)
}

/// What a name looks like: equal for names that people would confuse (UTS 39), whatever their letters and case.
pub fn look(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    skeleton(&lower).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name of 1 to `most` characters, tidied, or the sentence that says what is wrong with it.
/// `what` begins the sentence: “Name”.
///
/// # Errors
/// The sentence for the field.
pub fn parse_name(what: &str, typed: &str, most: usize) -> Result<String, String> {
    let name = tidy(typed);
    if name.is_empty() || name.chars().count() > most {
        return Err(format!("{what} must be 1-{most} characters."));
    }
    if !is_showable(&name) {
        return Err(format!("{what} contains characters that cannot be shown."));
    }
    Ok(name)
}

/// How e-mail addresses are compared: NFKC, lower case, trimmed.
pub fn fold_email(typed: &str) -> String {
    typed.trim().nfkc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_typed() {
        for name in [
            "Rentmy Production",
            "<script>",
            "'--",
            "=cmd|'/c calc'!A1",
            "🚀 launch",
            "👩‍💻",
            "مفتاح",
            "Ключ",
        ] {
            assert_eq!(parse_name("Name", name, 100), Ok(name.nfc().collect()), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_seen_cannot_be_a_name() {
        for name in [
            "a\0b",
            "a\u{7}",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{feff}b",
            "a\u{fffd}",
            "a\u{0378}",
            "a\u{200d}b",
        ] {
            assert_eq!(
                parse_name("Name", name, 100),
                Err("Name contains characters that cannot be shown.".into()),
                "{name:?}"
            );
        }
        for name in ["", "   ", &"x".repeat(101)] {
            assert_eq!(parse_name("Name", name, 100), Err("Name must be 1-100 characters.".into()));
        }
    }

    #[test]
    fn look_alikes_look_alike() {
        assert_eq!(look("Admin"), look("Аdmin"));
        assert_eq!(look("Deploy  bot"), look("deploy bot"));
        assert_ne!(look("Deploy bot"), look("Deploy bots"));
    }
}
