//! One struct per template.

mod bulk;
mod confirm;
mod create;
mod edit;
mod list;
mod row;
mod show;

pub use bulk::{Bulk, Recent};
pub use confirm::{ConfirmDialog, ConfirmPage, Question};
pub use create::{CreatedBefore, New, Reveal, SketchAside};
pub use edit::{Conflict, Edit, compare};
pub use list::{Elsewhere, Index};
pub use row::{Acts, Changed, Chip, Row};
pub use show::{Granted, Show};
