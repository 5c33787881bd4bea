//! One struct per template.

mod bulk;
mod confirm;
mod create;
mod edit;
mod explain;
mod export;
mod eye;
mod list;
mod row;
mod show;
mod transfer;
mod usage;

pub use bulk::{Bulk, Recent};
pub use confirm::{ConfirmDialog, ConfirmPage, Finish, Overlaps, Question};
pub use create::{CreatedBefore, New, Reveal, SketchAside};
pub use edit::{Conflict, Edit, Narrow, compare};
pub use explain::{Explain, Explained};
pub use export::Export;
pub use eye::{Eye, RevealAgain};
pub use list::{Elsewhere, Index};
pub use row::{Acts, Changed, Chip, Row};
pub use show::{Granted, ProofAgain, Show};
pub use transfer::{Candidate, Transfer};
pub use usage::{Usage, UsageAgain, look_of};
