alter table settings drop column managers_may_regenerate, drop column default_lifetime_days, drop column keys_path, drop column api_url;
