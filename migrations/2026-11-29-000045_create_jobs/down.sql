drop table job_schedules;
drop table job_downloads;
drop table job_files;
drop table job_attempts;
drop table jobs;
