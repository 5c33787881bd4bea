//! How many notices somebody has not read: beside the bell at the top of every page.

use std::fmt;

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Nullable},
};

use super::queries::Whose;
use crate::{error::AppResult, users::Viewer};

/// Further nobody counts.
const MOST_COUNTED: i64 = 100;

/// How many notices somebody has not read, up to a hundred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread(i64);

impl Unread {
    pub fn is_any(self) -> bool {
        self.0 > 0
    }

    /// “Notices, 3 unread”
    pub fn said(self) -> String {
        if self.is_any() { format!("Notices, {self} unread") } else { "Notices".into() }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < MOST_COUNTED { self.0.fmt(f) } else { f.write_str("99+") }
    }
}

/// How many the viewer has not read; for every page, so it reads a hundred entries of an index at most, and for a manager
/// a thousand where keys have gone to others since.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_unread(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Unread> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        unread: i64,
    }
    let statement = match Whose::visible_to(viewer) {
        Whose::Nobodys => return Ok(Unread::default()),
        Whose::Everybodys => {
            "select count(*) as unread from (select from notices \
                where id > (select notices_read_to from users where id = $1) \
                order by id desc limit $2) as newest"
        }
        Whose::Theirs(_) => {
            "select count(*) as unread from (select from (select key_id from notices \
                    where owner_id = $1 and id > (select notices_read_to from users where id = $1) \
                    order by id desc limit 1000) as newest \
                join keys on keys.id = key_id where owner_id = $1 limit $2) as theirs"
        }
    };
    let counted: Counted = sql_query(statement)
        .bind::<Nullable<BigInt>, _>(viewer.id)
        .bind::<BigInt, _>(MOST_COUNTED)
        .get_result(conn)?;
    Ok(Unread(counted.unread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_counts_further_than_99() {
        for (count, shown, said) in [
            (0, "0", "Notices"),
            (3, "3", "Notices, 3 unread"),
            (100, "99+", "Notices, 99+ unread"),
        ] {
            assert_eq!(
                (Unread(count).to_string().as_str(), Unread(count).said().as_str()),
                (shown, said)
            );
        }
    }
}
