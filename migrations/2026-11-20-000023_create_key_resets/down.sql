drop table key_resets;
