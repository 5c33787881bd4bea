drop table gateways;
