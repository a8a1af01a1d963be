CREATE TABLE orders (id text PRIMARY KEY, amount numeric NOT NULL, paid boolean NOT NULL DEFAULT false);
