drop table usage_journal;
