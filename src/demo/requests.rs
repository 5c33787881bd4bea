//! Some of yesterday's and today's requests, as the log would have them.

use diesel::{PgConnection, RunQueryDsl, sql_query};

use crate::error::AppResult;

/// Of every other minute in which a key was asked about, one request; up to so many altogether.
const AT_MOST: i64 = 4_000;

/// Writes them, out of what was counted: call it when that is written.
pub fn write(conn: &mut PgConnection) -> AppResult<()> {
    sql_query("select make_request_log_day((now() at time zone 'UTC')::date - 1)").execute(conn)?;
    sql_query(
        "insert into request_logs (at, id, key_id, application_id, environment_id, gateway_id, stands_for, took_micros,
             code, ip, endpoint, method, path, customer, agent, detail, scopes)
         select at,
             (substr(millis, 1, 8) || '-' || substr(millis, 9) || '-7' || substr(random_id, 16))::uuid,
             key_id, application_id, environment_id, gateway_id, 1, 90 + (dice * dice * 900)::integer, code,
             ('203.0.113.' || 1 + (key_id + floor(dice * 3)::integer) % 250)::inet,
             case when dice < 0.5 then 'verify' else 'authorize' end,
             case when scope like '%write%' then 'POST' else 'GET' end,
             '/' || split_part(translate(coalesce(scope, 'status'), '_', ':'), ':', 1)
                 || case when dice < 0.6 then '/' || (1000 + dice * 8000)::integer else '' end,
             null,
             case when dice < 0.5 then '' else 'okhttp/4.12.0' end,
             case code when 'VALID' then ''
                 when 'INSUFFICIENT_SCOPE' then 'The key does not hold ' || coalesce(lacking, 'it') || '.'
                 when 'RATE_LIMITED' then 'The limit is used up; there is room again in 1 s.'
                 else '' end,
             case when code = 'INSUFFICIENT_SCOPE' and lacking is not null then array[lacking]
                 when scope is not null then array[scope] else '{}' end
         from (
             select drawn.*, lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') as millis,
                 gen_random_uuid()::text as random_id
             from (
                 select minute + random() * interval '59 seconds' as at, random() as dice, usage_minutes.code,
                     keys.id as key_id, keys.application_id, gateways.environment_id, gateways.id as gateway_id,
                     (select slug from permissions join key_permissions on permission_id = permissions.id
                         where key_permissions.key_id = keys.id order by permissions.id limit 1) as scope,
                     (select slug from permissions where retired_at is null and not exists (
                         select from key_permissions where permission_id = permissions.id and key_permissions.key_id = keys.id)
                         order by id desc limit 1) as lacking
                 from (select key_id, minute, code from usage_minutes
                     union all select key_id, hour + past * interval '3 minutes', code
                         from usage_hours, generate_series(0, 19) as past where requests > past) as usage_minutes
                     join keys on keys.id = usage_minutes.key_id
                     join lateral (select id, environment_id from gateways
                         where revoked_at is null
                           and (gateways.environment_id = keys.environment_id) = (usage_minutes.code <> 'WRONG_ENVIRONMENT')
                         order by id limit 1) as gateways on true
                 where minute >= now() - interval '24 hours' and minute < now() - interval '1 minute'
                   and (usage_minutes.code <> 'VALID' or random() < 0.5)
                 order by minute desc limit $1) as drawn) as spelled",
    )
    .bind::<diesel::sql_types::BigInt, _>(AT_MOST)
    .execute(conn)?;
    Ok(())
}
