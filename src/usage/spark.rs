//! The last 24 hours in the space of a word.

use super::Hours;
use crate::keys::spaced;

/// How high the picture is, in its own units; an hour is three of them wide.
const HEIGHT: i64 = 20;

/// Lines to be drawn upwards, one for each hour in which something happened, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparkline {
    /// As path data.
    pub valid: String,
    pub refused: String,
    said: String,
}

impl Sparkline {
    /// `None` when nothing happened.
    pub fn of(hours: &Hours) -> Option<Self> {
        let (valid, refused): (i64, i64) = (hours.valid.iter().sum(), hours.refused.iter().sum());
        if valid + refused == 0 {
            return None;
        }
        let all = || hours.valid.iter().zip(&hours.refused);
        let most = all().map(|(valid, refused)| valid + refused).max().unwrap_or(1).max(1);
        // What there is is seen, however little it is.
        let height = |count: i64| if count == 0 { 0 } else { (count * HEIGHT / most).max(1) };
        let (mut below, mut above) = (Line::default(), Line::default());
        for (hour, (valid, refused)) in (0..).zip(all()) {
            let stem = height(*valid);
            below.draw(hour * 3 + 1, HEIGHT, stem);
            above.draw(
                hour * 3 + 1,
                HEIGHT - stem.min(HEIGHT - 1),
                height(*refused).min(HEIGHT - stem.min(HEIGHT - 1)),
            );
        }
        let said = match refused {
            0 => format!("{} allowed in 24 hours", spaced(valid)),
            _ => format!("{} allowed, {} refused in 24 hours", spaced(valid), spaced(refused)),
        };
        Some(Self { valid: below.path, refused: above.path, said })
    }

    /// “1 204 allowed, 3 refused in 24 hours”
    pub fn said(&self) -> &str {
        &self.said
    }
}

/// A path, in as few letters as it takes: there are many of them on a page.
#[derive(Default)]
struct Line {
    path: String,
    at: Option<(i64, i64)>,
}

impl Line {
    fn draw(&mut self, x: i64, from: i64, height: i64) {
        use std::fmt::Write;
        if height == 0 {
            return;
        }
        let written = match self.at {
            None => write!(self.path, "M{x} {from}v-{height}"),
            Some((before, top)) => write!(self.path, "m{} {}v-{height}", x - before, from - top),
        };
        written.expect("a string takes what it is given");
        self.at = Some((x, from - height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_lines_and_quiet_ones_cost_nothing() {
        let mut hours = Hours::default();
        assert_eq!(Sparkline::of(&hours), None);
        hours.valid[0] = 10;
        hours.valid[2] = 5;
        hours.refused[2] = 5;
        let line = Sparkline::of(&hours).unwrap();
        assert_eq!(line.valid, "M1 20v-20m6 20v-10");
        assert_eq!(line.refused, "M7 10v-10");
        assert_eq!(line.said(), "15 allowed, 5 refused in 24 hours");
    }

    #[test]
    fn one_among_a_million_is_seen() {
        let mut hours = Hours::default();
        hours.valid[23] = 1_000_000;
        hours.refused[23] = 1;
        assert_eq!(Sparkline::of(&hours).unwrap().refused, "M70 1v-1");
    }
}
