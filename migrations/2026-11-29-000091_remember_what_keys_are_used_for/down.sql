drop table key_permissions_used;
drop table key_uses;
