alter table users drop column notices_read_to;
drop table notices;
