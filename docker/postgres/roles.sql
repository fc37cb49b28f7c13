-- The two roles of the platform, made once by the superuser; the rest is `trading migrate`.
-- `trading` owns the schema and migrates. `trading_app` is what the platform runs as: it may add rows to the log and
-- read them, nothing more (grants in trading/postgres.py, triggers in audit/migrations). Nobody else may even connect.
\set ON_ERROR_STOP on
\getenv owner_password TRADING_OWNER_PASSWORD
\getenv app_password TRADING_APP_PASSWORD
-- A statement that fails must not be written into the server's log with the password in it.
SET log_min_error_statement = panic;
SET log_statement = none;
SET password_encryption = 'scram-sha-256';
CREATE ROLE trading LOGIN PASSWORD :'owner_password';
CREATE ROLE trading_app LOGIN PASSWORD :'app_password';
CREATE DATABASE trading OWNER trading TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE trading FROM PUBLIC;
GRANT CONNECT ON DATABASE trading TO trading_app;
\connect trading
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO trading;
