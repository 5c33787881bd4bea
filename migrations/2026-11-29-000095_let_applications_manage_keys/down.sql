drop table idempotent_requests;
alter table applications drop column manages_keys_since;
