alter table permissions drop column retired_at; alter table sections drop column retired_at;
