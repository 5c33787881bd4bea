drop table secret_callers;
