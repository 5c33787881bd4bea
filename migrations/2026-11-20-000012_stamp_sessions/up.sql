alter table users add session_stamp integer not null default 1;
comment on column users.session_stamp is 'Goes up when password or role change: a session that was begun under another stamp is over';
