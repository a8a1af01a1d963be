CREATE TABLE orders (id text PRIMARY KEY, amount numeric NOT NULL);
