drop table api_access_permissions, api_access_sections, api_access_environments; alter table api_access drop column all_environments, drop column all_permissions;
