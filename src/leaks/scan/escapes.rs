//! Undoing what addresses, JSON and HTML do to letters, so that what stands there can be read.

use zeroize::Zeroizing;

/// So often something is escaped once more.
const ROUNDS: usize = 3;

/// The text without escapes, or nothing when there are none. It has the same line ends at the same places among its
/// lines: an escaped line end becomes a blank.
pub fn undo(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut read = undo_once(text)?;
    for _ in 1..ROUNDS {
        match undo_once(&read) {
            Some(again) => read = again,
            None => break,
        }
    }
    Some(read)
}

fn undo_once(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&' | b'=')) {
        return None;
    }
    let mut read = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut rest, mut has_changed) = (text, false);
    while let Some((&first, after)) = rest.split_first() {
        let (byte, left) = match (first, escape(rest)) {
            (_, Some((byte, length))) => {
                has_changed = true;
                (if byte.is_ascii_graphic() { byte } else { b' ' }, &rest[length..])
            }
            (byte, None) => (byte, after),
        };
        read.push(byte);
        rest = left;
    }
    has_changed.then_some(read)
}

/// What an escape stands for, and how long it is.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'%', high, low, ..] => Some((hex(*high)? << 4 | hex(*low)?, 3)),
        [b'\\', b'u', digits @ ..] => {
            let digits = digits.first_chunk::<4>()?;
            let code = digits
                .iter()
                .try_fold(0_u32, |code, digit| Some(code << 4 | u32::from(hex(*digit)?)))?;
            Some((u8::try_from(code).unwrap_or(b' '), 6))
        }
        [b'\\', b'x', high, low, ..] => Some((hex(*high)? << 4 | hex(*low)?, 4)),
        [b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'"' | b'\'' | b'\\' | b'/', ..] => {
            Some((b' ', 2))
        }
        // Of quoted-printable and HTML only what letters, digits and underscores may have become.
        [b'=', b'5', b'F', ..] => Some((b'_', 3)),
        [b'&', b'#', b'x' | b'X', b'5', b'F' | b'f', b';', ..] => Some((b'_', 6)),
        [b'&', b'#', b'9', b'5', b';', ..] => Some((b'_', 5)),
        _ => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
