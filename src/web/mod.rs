//! Speaking HTML. Knows no feature.
//!
//! | file | for |
//! |---|---|
//! | `errors.rs` | `AppError` → page, toast or redirect; the only place that logs failures |
//! | `compress.rs` | pages as gzip |
//! | `cross_site.rs` | refuses requests that other sites make in a person's name |
//! | `head.rs` | HEAD is GET without the body |
//! | `host.rs` | refuses names that aren't ours |
//! | `observe.rs` | request id, security headers, the log line of every request |
//! | `form.rs` | forms in which a name may repeat, read strictly |
//! | `problems.rs` | what is wrong with a form, field by field |
//! | `hx.rs` | what htmx told us |
//! | `layout.rs` | what every page shows: viewer, wording, flash |
//! | `flash.rs` | what happened, said once on the next page |
//! | `render.rs` | templates → answers |
//! | `client_ip.rs` | the caller's address, as far as trusted proxies tell it |
//! | `places.rs` | places in lists, signed |
//! | `time.rs` | moments and days, as markup |
//! | `download.rs` | tables as files, CSV or JSON lines, sent while they are read |
//! | `upload.rs` | a file of a form, or the text pasted beside it |
//! | `next.rs` | where to go after signing in |

pub mod client_ip;
pub mod compress;
pub mod cross_site;
pub mod download;
pub mod errors;
pub mod flash;
pub mod form;
pub mod head;
pub mod host;
pub mod hx;
pub mod layout;
pub mod next;
pub mod observe;
pub mod places;
pub mod problems;
pub mod render;
pub mod time;
mod upload;

pub use errors::{present_errors, text_config};
pub use flash::{Flash, FlashUndo};
pub use form::{Button, Fields, Ticked};
pub use hx::Hx;
pub use layout::Layout;
pub use places::Signer;
pub use problems::Problems;
pub use render::{
    fragment_or_page, invalid, invalid_dialog, page, page_with_secret, see_other, with_status,
};
pub use time::{Day, Moment};
pub use upload::Upload;
