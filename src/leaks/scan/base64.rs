//! Reading what stands in base64, in either alphabet, wherever in a run of its letters it begins.

use zeroize::Zeroizing;

/// No secret of ours is shorter in base64.
const SHORTEST: usize = 54;
/// Not a letter of base64.
const NONE: u8 = 0xff;

/// Calls back with each run of base64, decoded, and where it begins. What is glued before it shifts its letters, so each
/// run is read four times: one of them is right.
pub fn each(text: &[u8], mut call: impl FnMut(usize, &[u8])) {
    let mut at = 0;
    while at < text.len() {
        let run = text[at..].iter().take_while(|byte| value(**byte) != NONE).count();
        if run >= SHORTEST {
            for shift in 0..4 {
                call(at, &decode(&text[at + shift..at + run]));
            }
        }
        at += run + 1;
    }
}

/// Whole groups of four, and what is left of the last one.
fn decode(run: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(run.len() / 4 * 3 + 3));
    for group in run.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, letter| bits << 6 | u32::from(value(*letter)));
        let bits = bits << (6 * (4 - group.len()));
        let decoded = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        bytes.extend_from_slice(&decoded[..group.len() * 6 / 8]);
    }
    bytes
}

fn value(letter: u8) -> u8 {
    match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => NONE,
    }
}
