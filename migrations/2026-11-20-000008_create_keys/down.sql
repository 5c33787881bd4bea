drop table key_drafts, key_customers, key_limits, key_permissions, key_sections, key_secrets, keys;
