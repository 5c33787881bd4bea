drop table one_time_links, api_access, users;
