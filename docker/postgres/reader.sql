-- Grafana reads the ledger and can change nothing in it.
CREATE ROLE reader LOGIN PASSWORD 'reader';
GRANT pg_read_all_data TO reader;
