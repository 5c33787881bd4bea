drop index keys_of_environment;
