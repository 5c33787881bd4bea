-- Minutes arrive in their order, so a summary of each range of blocks finds the old ones; it costs writers next to nothing.
create index usage_minutes_age on usage_minutes using brin (minute);
