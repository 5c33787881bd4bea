//! One struct per template.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{SILENT_AFTER, proof::spell, queries::Node};
use crate::web::{Layout, Moment};

/// Whoever was seen within that time is there.
const LATELY: TimeDelta = TimeDelta::seconds(5);

/// The page of the nodes.
#[derive(Template)]
#[template(path = "nodes/index.html")]
pub struct Index {
    pub layout: Layout,
    pub nodes: Vec<Node>,
    /// The one that answers.
    pub this: Option<Uuid>,
    pub now: DateTime<Utc>,
}

/// Whether a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    /// It does not hear of changes at the moment.
    Away,
    /// For so long that it answers nothing from memory.
    Silent,
}

impl Index {
    fn is_this(&self, node: &Node) -> bool {
        self.this == Some(node.id)
    }

    fn presence(&self, node: &Node) -> Presence {
        let silence = self.now - node.seen_at;
        if silence <= LATELY {
            Presence::There
        } else if silence <= TimeDelta::seconds(SILENT_AFTER.as_secs().cast_signed()) {
            Presence::Away
        } else {
            Presence::Silent
        }
    }

    fn started(&self, node: &Node) -> Moment {
        Moment::new(node.started_at, self.now)
    }

    /// “12 s ago”; minutes later it does not matter to the second.
    fn seen(&self, node: &Node) -> String {
        match (self.now - node.seen_at).num_seconds().max(0) {
            seconds @ ..120 => format!("{seconds} s ago"),
            seconds @ 120..7200 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3600),
        }
    }

    /// How long the last change took to arrive, and when that was.
    fn lag(&self, node: &Node) -> Option<(String, Moment)> {
        let (applied_at, changed_at) = node.applied_at.zip(node.changed_at)?;
        let after = (applied_at - changed_at).num_milliseconds().max(0);
        Some((spell(after), Moment::new(applied_at, self.now)))
    }
}
