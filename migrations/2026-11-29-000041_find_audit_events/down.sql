drop index audit_events_words;
drop index audit_events_request;
drop index audit_events_ip;
drop index audit_events_action;
drop index audit_events_nobody;
drop index audit_events_actor;
drop index audit_events_subject;
create index audit_events_subject on audit_events (subject, id desc);
drop index audit_events_at;
