drop table permissions, sections;
