"""What psycopg does with a database: `postgres.py URL FEATURE`. It prints nothing that differs from run to run."""

import hashlib
import sys
import threading

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo


def connect(url, **more):
    return psycopg.connect(url, autocommit=True, **more)


def startup(url):
    options = "-c search_path=public,pg_catalog -c statement_timeout=12345"
    with connect(url, application_name="a table", options=options, client_encoding="LATIN1") as c:
        for name in ("application_name", "search_path", "statement_timeout", "client_encoding"):
            print(name, c.execute("SHOW " + name).fetchone()[0])
        for name in ("server_encoding", "standard_conforming_strings", "application_name"):
            print(name, c.info.parameter_status(name))
        print(c.execute("SELECT 'é' || chr(233)").fetchone()[0])


def reason(error):
    return str(error).strip().rpartition("failed: ")[2]


def encryption(url):
    url = make_conninfo(url, gssencmode="prefer")
    tries = [{"sslmode": mode} for mode in ("disable", "prefer", "require")]
    tries.append({"sslmode": "prefer", "channel_binding": "require"})
    if "verify-full" in url:
        tries += [{}, {"host": "elsewhere", "hostaddr": "127.0.0.1"}, {"sslrootcert": "system"}]
    for more in tries:
        print(more, end=" ")
        try:
            with psycopg.connect(make_conninfo(url, **more)) as c:
                print("encrypted:", c.pgconn.ssl_in_use, c.execute("SELECT 1").fetchone())
        except psycopg.OperationalError as error:
            print(reason(error))
    if "verify-full" in url:
        try:
            psycopg.connect(url.replace("ca.pem", "stranger.pem"))
        except psycopg.OperationalError as error:
            print("a stranger's:", reason(error))


def password(url):
    with connect(url) as c:
        print("used:", c.pgconn.used_password)
    try:
        connect(url, password="wrong")
    except psycopg.OperationalError as error:
        print(str(error).split("FATAL:")[-1].strip())


def simple(url):
    with connect(url) as c:
        result = c.pgconn.exec_(b"SELECT 1; UPDATE lines SET note = '' WHERE false; SELECT 'two'")
        print(result.status, result.get_value(0, 0), result.command_status)
        c.execute("SELECT set_config('a.b', 'kept', false)")
        print(c.execute("SELECT current_setting('a.b')").fetchone()[0])


def extended(url):
    with connect(url) as c:
        cur = c.execute("SELECT id, name, price, state FROM items WHERE id = ANY(%s) ORDER BY id", ([1, 7, 999],))
        print(*cur.fetchall(), cur.statusmessage, [d.name for d in cur.description])
        cur = c.cursor(binary=True).execute("SELECT price, NULL, %s::jsonb, %b::int8 FROM items WHERE id = 3", ('{"a": 1}', 9))
        print(cur.fetchall())


def prepared(url):
    with connect(url) as c:
        for n in range(8):
            print(c.execute("SELECT name FROM items WHERE id = %s", (n,), prepare=True).fetchall())
        print(c.execute("SELECT count(*) FROM pg_prepared_statements").fetchone())


def pipeline(url):
    with connect(url) as c:
        with c.pipeline() as p:
            cursors = [c.execute("SELECT twice(%s)", (n,)) for n in range(50)]
            p.sync()
            print([cur.fetchone()[0] for cur in cursors])
        try:
            with c.pipeline() as p:
                c.execute("SELECT 1")
                c.execute("SELECT 1 / %s", (0,))
                c.execute("SELECT 3")
        except psycopg.Error as error:
            print(error.sqlstate)
        print(c.execute("SELECT 4").fetchone())


def copy(url):
    with connect(url) as c:
        with c.cursor().copy("COPY copies FROM STDIN") as out:
            for n in range(20000):
                out.write_row((n, f"row\t{n}"))
        digest, count = hashlib.sha256(), 0
        with c.cursor().copy("COPY (SELECT * FROM copies ORDER BY id) TO STDOUT (FORMAT csv)") as rows:
            for data in rows:
                digest.update(data)
                count += bytes(data).count(b"\n")
        print(count, digest.hexdigest())
        try:
            with c.cursor().copy("COPY copies FROM STDIN") as out:
                out.write("no number\tx\n")
        except psycopg.Error as error:
            print(error.sqlstate)
        try:
            with c.cursor().copy("COPY copies FROM STDIN") as out:
                raise KeyError("given up")
        except KeyError as error:
            print(error, c.execute("SELECT count(*) FROM copies").fetchone())


def notify(url):
    with connect(url) as listener, connect(url) as other:
        listener.execute("LISTEN news")
        other.execute("SELECT pg_notify('news', %s)", ("one",))
        other.execute("NOTIFY news, 'two'")
        for n in listener.notifies(timeout=20, stop_after=2):
            print(n.channel, n.payload)


def cancel(url):
    with connect(url) as c, connect(url) as other:
        def cancels():
            asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
            while other.execute(asleep).fetchone()[0] == 0:
                pass
            c.cancel_safe(timeout=20)
        thread = threading.Thread(target=cancels)
        thread.start()
        try:
            c.execute("SELECT pg_sleep(60)")
        except psycopg.Error as error:
            print(error.sqlstate, error.diag.message_primary)
        thread.join()
        print(c.execute("SELECT 1").fetchone())


def transactions(url):
    with psycopg.connect(url) as c:
        with c.transaction():
            c.execute("INSERT INTO steps VALUES (1)")
            try:
                with c.transaction():
                    c.execute("INSERT INTO steps VALUES (2)")
                    c.execute("INSERT INTO steps VALUES (1)")
            except psycopg.Error as error:
                print(error.sqlstate)
            c.execute("INSERT INTO steps VALUES (3)")
        c.execute("INSERT INTO steps VALUES (4)")
        c.rollback()
        print(c.execute("SELECT * FROM steps ORDER BY 1").fetchall(), c.info.transaction_status)


def errors(url):
    with connect(url) as c:
        for text in (
            "SELEC 1",
            "SELECT * FROM nowhere",
            "SELECT 1/0",
            "INSERT INTO items VALUES (1, 'again')",
            "INSERT INTO lines (item) VALUES (-1)",
            "DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'ZZ001', HINT = 'none'; END $$",
        ):
            try:
                c.execute(text)
            except psycopg.Error as error:
                d = error.diag
                print(error.sqlstate, d.severity, d.message_primary, d.constraint_name, d.statement_position, d.message_hint)
        c.add_notice_handler(lambda notice: print(notice.severity, notice.message_primary))
        c.execute("DO $$ BEGIN RAISE NOTICE 'seen'; END $$")


def large(url):
    with connect(url) as c:
        text = c.execute("SELECT repeat('0123456789', 5242880)").fetchone()[0]
        print(len(text), hashlib.sha256(text.encode()).hexdigest())
        print(c.execute("SELECT length(%s::text), md5(%s)", (text, "x")).fetchone())


def cursor(url):
    with psycopg.connect(url) as c:
        with c.cursor(name="many") as cur:
            cur.itersize = 777
            cur.execute("SELECT n, md5(n::text) FROM generate_series(1, 20000) n")
            digest = hashlib.sha256()
            for row in cur:
                digest.update(repr(row).encode())
            print(digest.hexdigest())


def replication(url):
    with connect(url) as c:
        c.execute("SELECT pg_create_logical_replication_slot('table', 'test_decoding', true)")
        c.execute("SELECT pg_drop_replication_slot('table')")
    r = pq.PGconn.connect(make_conninfo(url, replication="database").encode())
    print(r.status, r.exec_(b"IDENTIFY_SYSTEM").ntuples)
    r.exec_(b"CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL test_decoding")
    with connect(url) as c:
        c.execute("INSERT INTO lines (id, item, note) VALUES (77, 1, 'replicated')")
    result = r.exec_(b"START_REPLICATION SLOT s LOGICAL 0/0 (\"include-xids\" '0')")
    print(result.status)
    seen = 0
    while seen < 3:
        size, data = r.get_copy_data(0)
        if size > 0 and bytes(data[:1]) == b"w":
            print(bytes(data[25:]).decode())
            seen += 1
    r.finish()


globals()[sys.argv[2]](sys.argv[1])
