-- Whoever looks for a method that hardly any request had would read the whole log. Nearly all requests have one of these
-- two, and those are found at once without an index.
create index request_logs_of_method on request_logs (method, at) where method <> 'GET' and method <> 'POST';
