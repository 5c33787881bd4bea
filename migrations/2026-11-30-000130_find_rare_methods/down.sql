drop index request_logs_of_method;
