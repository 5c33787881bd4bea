//! What a step of a walk asks: along which index, and who belongs. In both, `$1` is the owner, `$4` from when on things
//! count, `$5` and `$6` the place, `$7` how many rows.

use super::Group;

/// The rows in their order. Said of the last use as the index has it.
pub fn along(group: Group, is_everybodys: bool) -> String {
    let keys = if is_everybodys { "keys" } else { "mine" };
    match group {
        Group::Permissions if is_everybodys => {
            "select distinct key_id as id, to_timestamp(0) as at from ( \
                select key_id from key_permissions_used where key_id > $6 order by key_id limit $7) as used"
                .into()
        }
        Group::Permissions => {
            "select id, to_timestamp(0) as at from mine where id > $6 order by id limit $7".into()
        }
        Group::Unused => format!(
            "select id, coalesce(last_used_at, '-infinity') as at from {keys} \
             where deleted_at is null and coalesce(last_used_at, '-infinity') > '-infinity' \
                and coalesce(last_used_at, '-infinity') < $4 and (coalesce(last_used_at, '-infinity'), id) > ($5, $6) \
             order by coalesce(last_used_at, '-infinity'), id limit $7"
        ),
        Group::Never => format!(
            "select id, to_timestamp(0) as at from {keys} \
             where deleted_at is null and coalesce(last_used_at, '-infinity') = '-infinity' and id > $6 \
             order by coalesce(last_used_at, '-infinity'), id limit $7"
        ),
        Group::Secrets => {
            let mine = if is_everybodys { "" } else { "join mine on mine.id = key_id " };
            format!(
                "select key_id as id, key_secrets.created_at as at from key_secrets {mine}\
                 where ends_at is null and key_secrets.created_at < $4 and (key_secrets.created_at, key_id) > ($5, $6) \
                 order by key_secrets.created_at, key_id limit $7"
            )
        }
    }
}

/// What else has to be the case. A permission that was given or added later than the group asks about is not unused.
pub fn belongs(group: Group) -> &'static str {
    match group {
        Group::Permissions => {
            "coalesce(keys.permissions_at, keys.created_at) < $4 and keys.last_used_at >= $4 \
             and not exists (select from keys_sampled where key_id = keys.id and last_at >= $4) \
             and exists (select from key_permissions_used where key_id = keys.id and last_used_at >= $4) \
             and exists (select from permissions where added_at < $4 \
                and (keys.all_permissions \
                    or exists (select from key_sections as held where held.key_id = keys.id \
                        and held.section_id = permissions.section_id) \
                    or exists (select from key_permissions as held where held.key_id = keys.id \
                        and held.permission_id = permissions.id)) \
                and not exists (select from key_permissions_used as used where used.key_id = keys.id \
                    and used.permission_id = permissions.id and used.last_used_at >= $4))"
        }
        Group::Never => "keys.created_at < $4",
        Group::Unused | Group::Secrets => "true",
    }
}
