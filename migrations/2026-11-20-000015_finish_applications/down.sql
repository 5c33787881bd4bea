alter table applications drop column archived_at, drop column recoverable_since, drop column secret_last_used_at;
