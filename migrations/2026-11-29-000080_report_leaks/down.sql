drop table leak_reports;
drop table leak_partners;
