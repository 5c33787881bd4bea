alter table key_secrets drop column sealed;
