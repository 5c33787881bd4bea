insert into usage_minutes (key_id, minute, code, requests)
    select key_id, hour, code, requests from usage_hours
    on conflict (key_id, minute, code) do update set requests = usage_minutes.requests + excluded.requests;
insert into usage_minutes (key_id, minute, code, requests)
    select key_id, day, code, requests from usage_days
    on conflict (key_id, minute, code) do update set requests = usage_minutes.requests + excluded.requests;
drop table usage_progress;
drop table usage_totals_hours;
drop table usage_totals_minutes;
drop view usage_counts;
drop index usage_minutes_refused;
drop index usage_minutes_by_time;
create index usage_minutes_age on usage_minutes using brin (minute);
drop table usage_days;
drop table usage_hours;
