//! Ten million requests that might have been: a few keys, addresses and customers are busy, most are quiet.

use std::time::Instant;

use anyhow::Result;
use diesel::{
    PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt,
};

const DAYS: i64 = 30;

const PREPARE: &str = "
    insert into environments (slug, name, prefix, mode, position)
        values ('edge', 'Edge', 'edge', 'test', 99) on conflict do nothing;
    create temporary table key_ids as
        select row_number() over (order by id) as n, id, application_id from keys where deleted_at is null;
    create index on key_ids (n);
    analyze key_ids;
    insert into gateways (name, name_skeleton, environment_id, token_hash, masked)
        select 'bench', 'bench', min(id), 'bench', 'gw' from environments";

/// One day. A key, an address, a customer is the busier the smaller its number.
const DAY: &str = "
    with counts as (select count(*) as keys from key_ids),
    drawn as materialized (
        select (now() at time zone 'UTC')::date::timestamp at time zone 'UTC' - $1 * interval '1 day'
                + n * (interval '1 day' / $2) as at,
            random() as dice, random() as who, random() as whence, random() as how, random() as where_to
        from generate_series(0, $2 - 1) as n),
    coded as (
        select drawn.*, 1 + floor((select keys from counts) * power(who, 4))::bigint as n,
            case when dice < 0.9 then 'VALID' when dice < 0.95 then 'INSUFFICIENT_SCOPE'
                when dice < 0.98 then 'RATE_LIMITED' when dice < 0.989 then 'KEY_NOT_FOUND'
                when dice < 0.9995 then 'REVOKED' else 'EXPIRED' end as code
        from drawn)
    insert into filled (at, id, key_id, application_id, environment_id, gateway_id, stands_for, took_micros,
        code, ip, endpoint, method, path, customer, agent, detail, scopes)
    select at, gen_random_uuid(),
        case when code <> 'KEY_NOT_FOUND' then key_ids.id end,
        case when code <> 'KEY_NOT_FOUND' then application_id end,
        case when how < 0.00001 then (select id from environments where slug = 'edge')
            when how < 0.15 then (select id from environments where slug = 'sandbox')
            else (select id from environments where slug = 'production') end,
        (select max(id) from gateways), 1, 200 + (how * 900)::integer, code,
        ('10.0.' || floor(200 * power(whence, 3))::integer || '.' || (1 + floor(250 * power(dice, 2)))::integer)::inet,
        case when whence < 0.5 then 'verify' else 'authorize' end,
        case when where_to < 0.7 then 'GET' when where_to < 0.9 then 'POST' when where_to < 0.96 then 'PUT'
            when where_to < 0.99999 then 'DELETE' else 'PURGE' end,
        (array['/orders/', '/customers/', '/products/', '/payments/', '/refunds/', '/reports/'])[1 + floor(6 * how)::integer]
            || (where_to * 100000)::integer,
        case when dice < 0.6 then 'cus_' || (1 + floor(5000 * power(whence, 3)))::integer end,
        (array['shop/2.1 (Linux)', 'curl/8.5.0', 'okhttp/4.12.0', ''])[1 + floor(4 * whence)::integer],
        case when code = 'VALID' then '' else 'The key does not hold orders:write.' end,
        array['orders:read']
    from coded join key_ids using (n) order by at";

const ATTACH: &str = "
    do $$
    declare
        day date := (now() at time zone 'UTC')::date - {day};
    begin
        -- The demo has made yesterday already.
        execute format('drop table if exists request_logs_%s', to_char(day, 'YYYYMMDD'));
        execute format('alter table filled rename to request_logs_%s', to_char(day, 'YYYYMMDD'));
        execute format('alter table request_logs attach partition request_logs_%s for values from (%L) to (%L)',
            to_char(day, 'YYYYMMDD'), day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end $$";

/// Fills the log, as many rows on each day.
pub fn fill(conn: &mut PgConnection, rows: u64) -> Result<()> {
    let began = Instant::now();
    conn.batch_execute(PREPARE)?;
    let a_day = i64::try_from(rows)? / DAYS;
    for day in 1..=DAYS {
        // Indexes are built when the day becomes a partition: that is sooner done than row by row.
        conn.batch_execute(
            "create table filled (like request_logs including defaults including constraints)",
        )?;
        sql_query(DAY).bind::<BigInt, _>(day).bind::<BigInt, _>(a_day).execute(conn)?;
        conn.batch_execute(&ATTACH.replace("{day}", &day.to_string()))?;
    }
    println!("{} rows, {:.0} s", a_day * DAYS, began.elapsed().as_secs_f64());
    // What autovacuum does within minutes.
    conn.batch_execute("vacuum analyze request_logs")?;
    conn.batch_execute("checkpoint")?;
    println!("vacuumed, {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}
