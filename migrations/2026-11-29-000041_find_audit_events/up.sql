-- Newest first, by whatever the page filters.
create index audit_events_at on audit_events (at desc, id desc);
drop index audit_events_subject;
create index audit_events_subject on audit_events (subject, at desc, id desc);
create index audit_events_actor on audit_events (actor_id, at desc, id desc) where actor_id is not null;
-- The operator, and visitors.
create index audit_events_nobody on audit_events (actor, at desc, id desc) where actor_id is null;
create index audit_events_action on audit_events (action, at desc, id desc);
create index audit_events_ip on audit_events (ip, at desc, id desc) where ip is not null;
create index audit_events_request on audit_events (request_id) where request_id is not null;
create index audit_events_words on audit_events using gin
    ((actor || E'\n' || subject_name || E'\n' || subject || E'\n' || details::text) gin_trgm_ops);
