alter table settings drop column logs_accepted, drop column logs_per_second, drop column logs_kept_days;
