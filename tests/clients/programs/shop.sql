-- What the clients of the tables find in their database.
CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL DEFAULT 0, state state NOT NULL DEFAULT 'new');
CREATE INDEX items_by_name ON items (lower(name));
CREATE TABLE lines (id bigserial PRIMARY KEY, item int NOT NULL REFERENCES items (id), note text);
CREATE VIEW dear AS SELECT id, name FROM items WHERE price > 500;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
COMMENT ON TABLE items IS 'what is sold';
INSERT INTO items SELECT n, 'item ' || n, n * 1.5, 'paid' FROM generate_series(1, 1000) n;
CREATE TABLE copies (id int, name text);
CREATE TABLE steps (id int PRIMARY KEY);
