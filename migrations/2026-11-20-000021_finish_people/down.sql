alter table users drop column disabled_at, drop column time_zone, drop column mode;
