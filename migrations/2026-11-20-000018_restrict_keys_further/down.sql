alter table keys drop column excluded_ips, drop column allowed_origins;
