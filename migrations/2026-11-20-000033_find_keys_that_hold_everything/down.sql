drop index keys_with_everything;
