//! Things in an order of their own, moved one place at a time.

use serde::Deserialize;

/// Where something goes in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Up,
    Down,
}

/// The form of the buttons that move something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    pub to: Direction,
}

/// Moves one past its neighbour and returns the new order; `None` when it is the first or the last already.
pub fn moved(mut order: Vec<i64>, id: i64, to: Direction) -> Option<Vec<i64>> {
    let at = order.iter().position(|&known| known == id)?;
    let other = match to {
        Direction::Up => at.checked_sub(1)?,
        Direction::Down => at + 1,
    };
    if other >= order.len() {
        return None;
    }
    order.swap(at, other);
    Some(order)
}

/// Which place it has, counted from one.
pub fn place(order: &[i64], id: i64) -> usize {
    order.iter().position(|&known| known == id).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_change_places() {
        assert_eq!(moved(vec![7, 8, 9], 9, Direction::Up), Some(vec![7, 9, 8]));
        assert_eq!(moved(vec![7, 8, 9], 7, Direction::Down), Some(vec![8, 7, 9]));
        assert_eq!(moved(vec![7, 8, 9], 7, Direction::Up), None);
        assert_eq!(moved(vec![7, 8, 9], 9, Direction::Down), None);
        assert_eq!(moved(vec![7, 8, 9], 1, Direction::Down), None);
    }
}
