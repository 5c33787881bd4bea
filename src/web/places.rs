//! Places in lists, as addresses spell them: whoever makes one up, or takes one from somebody else or from another list,
//! is told that it is none.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::users::Viewer;

/// Half of the code does: guessing it takes as long as guessing a UUID.
const TAG: usize = 16;

/// Signs places for one viewer.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub key: &'a [u8],
    pub viewer: &'a Viewer,
}

impl Signer<'_> {
    /// Spells a place so that only we can: bound to the viewer, and to the list with all that it is narrowed by.
    pub fn spell(&self, list: &str, place: &str) -> String {
        let mut spelled = self.mac(list, place).finalize().into_bytes()[..TAG].to_vec();
        spelled.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(spelled)
    }

    /// The place that was spelled for this viewer and list.
    pub fn parse(&self, list: &str, typed: &str) -> Option<String> {
        let mut tag = URL_SAFE_NO_PAD.decode(typed).ok()?;
        if tag.len() < TAG {
            return None;
        }
        let place = String::from_utf8(tag.split_off(TAG)).ok()?;
        self.mac(list, &place).verify_truncated_left(&tag).ok()?;
        Some(place)
    }

    /// With the length of what comes first, so that nothing of one can pass for a part of the other.
    fn mac(&self, list: &str, place: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key).expect("HMAC takes keys of any length");
        let bound = format!("place\n{:?}\n{}\n{list}{place}", self.viewer.id, list.len());
        mac.update(bound.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"0123456789abcdef";

    #[test]
    fn a_place_is_good_for_the_person_and_the_list_it_came_from() {
        let viewer = Viewer::operator();
        let signer = Signer { key: KEY, viewer: &viewer };
        let spelled = signer.spell("/keys?q=a", "7\nname");
        assert_eq!(signer.parse("/keys?q=a", &spelled).as_deref(), Some("7\nname"));
        assert_eq!(signer.parse("/keys?q=b", &spelled), None);
        assert_eq!(signer.parse("/keys", &signer.spell("/keys?q=a", "7")), None);
        let another = Viewer { id: Some(2), ..Viewer::operator() };
        assert_eq!(Signer { key: KEY, viewer: &another }.parse("/keys?q=a", &spelled), None);
        let other_key = Signer { key: b"another", viewer: &viewer };
        assert_eq!(other_key.parse("/keys?q=a", &spelled), None);
    }

    #[test]
    fn what_we_did_not_spell_is_no_place() {
        let viewer = Viewer::operator();
        let signer = Signer { key: KEY, viewer: &viewer };
        let spelled = signer.spell("/jobs", "12");
        for typed in ["", "x", "12", "%00", &spelled[1..], &format!("{spelled}A"), "AAAA", "é"] {
            assert_eq!(signer.parse("/jobs", typed), None, "{typed}");
        }
        let moved = signer.spell("/job", "s12");
        assert_eq!(signer.parse("/jobs", &moved), None, "a letter does not change sides");
    }
}
