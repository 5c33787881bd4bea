alter table environments drop column retired_at, drop column longest_days, drop column allows_never;
