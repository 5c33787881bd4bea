drop table usage_minutes;
