drop table webhook_attempts;
drop table webhook_deliveries;
drop table webhooks;
drop table notice_mails;
alter table users drop column kinds_not_mailed;
drop trigger notices_go_out on notices;
drop function notices_go_out();
drop table notice_outbox;
