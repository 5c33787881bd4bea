-- Whoever empties a table by hand changes everything that was known of its rows, and no row is there to be named.
alter table changes drop constraint changes_what;
alter table changes add constraint changes_what
    check (what in ('key', 'gateway', 'application', 'catalogue', 'everything'));
comment on column changes.row_id is 'The id of the key, gateway or application; 0 for the catalogue and for everything.';

create function note_truncation() returns trigger language plpgsql as $$
begin
    perform note_change('everything', 0);
    return null;
end
$$;
drop trigger keys_note_truncation on keys;
drop trigger gateways_note_truncation on gateways;
drop trigger applications_note_truncation on applications;
create trigger keys_note_truncation after truncate on keys for each statement execute function note_truncation();
create trigger gateways_note_truncation after truncate on gateways for each statement execute function note_truncation();
create trigger applications_note_truncation after truncate on applications for each statement execute function note_truncation();
create trigger key_secrets_note_truncation after truncate on key_secrets for each statement execute function note_truncation();
create trigger key_sections_note_truncation after truncate on key_sections for each statement execute function note_truncation();
create trigger key_permissions_note_truncation after truncate on key_permissions for each statement execute function note_truncation();
create trigger key_limits_note_truncation after truncate on key_limits for each statement execute function note_truncation();
create trigger key_customers_note_truncation after truncate on key_customers for each statement execute function note_truncation();
