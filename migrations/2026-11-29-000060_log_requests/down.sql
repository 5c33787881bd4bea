drop table request_log_gaps;
drop function make_request_log_day(date);
drop table request_logs;
