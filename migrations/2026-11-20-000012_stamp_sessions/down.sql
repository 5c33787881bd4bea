alter table users drop session_stamp;
