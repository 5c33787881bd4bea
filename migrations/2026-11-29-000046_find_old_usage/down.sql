drop index usage_minutes_age;
