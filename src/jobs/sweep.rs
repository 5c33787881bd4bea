//! Sessions, links, drafts and the like end by themselves; their rows go from time to time.

use super::{Halt, Running};
use crate::{changes, keys, nodes, self_service, sign_in, users::links};

/// Sweeps. Doing it twice does nothing more.
pub fn run(running: &mut Running<'_>) -> Result<String, Halt> {
    running.step(|conn, _| {
        sign_in::sweep(conn)?;
        links::sweep(conn)?;
        keys::sweep(conn)?;
        changes::sweep(conn)?;
        self_service::sweep(conn)?;
        Ok(nodes::sweep(conn)?)
    })?;
    Ok("Cleared up.".into())
}
