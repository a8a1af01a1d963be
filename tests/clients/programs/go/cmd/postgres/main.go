// What pgx does with a database: `postgres URL FEATURE`. It prints nothing that differs from run to run.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	ctx = context.Background()
	url = os.Args[1]
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func open() *pgx.Conn { return must(pgx.Connect(ctx, url)) }

// say prints an error's SQLSTATE and text.
func say(err error) {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		fmt.Println("no error")
	case errors.As(err, &refused):
		fmt.Println(refused.Code, refused.Severity, refused.Message, refused.ConstraintName, refused.Position)
	default:
		fmt.Println("another error")
	}
}

func rows(c *pgx.Conn, text string, arguments ...any) {
	for _, row := range must(pgx.CollectRows(must(c.Query(ctx, text, arguments...)), pgx.RowToMap)) {
		fmt.Println(row)
	}
}

func startup() {
	config := must(pgx.ParseConfig(url))
	config.RuntimeParams["application_name"] = "a table"
	config.RuntimeParams["search_path"] = "public,pg_catalog"
	config.RuntimeParams["options"] = "-c statement_timeout=12345"
	c := must(pgx.ConnectConfig(ctx, config))
	for _, name := range []string{"application_name", "search_path", "statement_timeout", "client_encoding"} {
		rows(c, "SHOW "+name)
	}
	fmt.Println(c.PgConn().ParameterStatus("application_name"), c.PgConn().ParameterStatus("server_encoding"))
}

func encryption() {
	bare, trust, verified := strings.Cut(url, "?sslmode=verify-full")
	if !verified {
		bare = strings.TrimSuffix(url, "?sslmode=disable")
	}
	for _, how := range []string{"disable", "prefer", "require", "require&channel_binding=require"} {
		encrypted(how, must(pgx.ParseConfig(bare+"?sslmode="+how+trust)))
	}
	if verified {
		encrypted("verify-full", must(pgx.ParseConfig(url)))
		encrypted("a stranger", must(pgx.ParseConfig(strings.Replace(url, "ca.pem", "stranger.pem", 1))))
		elsewhere := must(pgx.ParseConfig(url))
		elsewhere.TLSConfig.ServerName, elsewhere.Fallbacks = "elsewhere", nil
		encrypted("elsewhere", elsewhere)
	}
}

// reason is what an error tells in the end.
func reason(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code + " " + refused.Message
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return "unknown authority"
	}
	text := strings.TrimSpace(err.Error())
	return text[strings.LastIndex(text, ": ")+2:]
}

// encrypted tells whether a connection is, or why there is none.
func encrypted(how string, config *pgx.ConnConfig) {
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		fmt.Println(how, reason(err))
		return
	}
	_, is := c.PgConn().Conn().(*tls.Conn)
	fmt.Println(how, "encrypted:", is)
	rows(c, "SELECT 1 AS one")
}

func password() {
	open()
	config := must(pgx.ParseConfig(url))
	config.Password = "wrong"
	_, err := pgx.ConnectConfig(ctx, config)
	say(err)
}

func simple() {
	for _, result := range must(open().PgConn().Exec(ctx, "SELECT 1; UPDATE lines SET note = '' WHERE false; SELECT 'two'").ReadAll()) {
		fmt.Println(result.CommandTag, result.Rows)
	}
	rows(open(), "SELECT twice($1::int)", pgx.QueryExecModeSimpleProtocol, 21)
}

func extended() {
	c := open()
	rows(c, "SELECT id, name, price::text, state FROM items WHERE id = ANY($1) ORDER BY id", []int{1, 7, 999})
	rows(c, "SELECT twice($1), NULL AS nothing, $2::jsonb AS json", pgx.QueryExecModeExec, 21, `{"a": 1}`)
	rows(c, "SELECT twice($1)", pgx.QueryExecModeDescribeExec, 21)
}

func prepared() {
	c := open()
	must(c.Prepare(ctx, "by id", "SELECT name FROM items WHERE id = $1"))
	for n := range 5 {
		rows(c, "by id", n)
	}
	rows(c, "SELECT name, statement FROM pg_prepared_statements", pgx.QueryExecModeExec)
	if err := c.Deallocate(ctx, "by id"); err != nil {
		say(err)
	}
	rows(c, "SELECT count(*) FROM pg_prepared_statements", pgx.QueryExecModeExec)
}

func pipeline() {
	c := open()
	batch := &pgx.Batch{}
	for n := range 50 {
		batch.Queue("SELECT twice($1)", n)
	}
	batch.Queue("SELECT 1 / $1::int", 0)
	results := c.SendBatch(ctx, batch)
	for range 50 {
		var twice int
		err := results.QueryRow().Scan(&twice)
		fmt.Println(twice, err)
	}
	_, err := results.Exec()
	say(err)
	_ = results.Close()
	rows(c, "SELECT 4 AS four")
}

func copies() {
	c := open()
	count := must(c.CopyFrom(ctx, pgx.Identifier{"copies"}, []string{"id", "name"}, pgx.CopyFromSlice(20000, func(n int) ([]any, error) {
		return []any{n, fmt.Sprintf("row\t%d", n)}, nil
	})))
	digest := sha256.New()
	out := must(c.PgConn().CopyTo(ctx, digest, "COPY (SELECT * FROM copies ORDER BY id) TO STDOUT (FORMAT csv)"))
	fmt.Printf("%d %s %x\n", count, out, digest.Sum(nil))
	_, err := c.PgConn().CopyFrom(ctx, bytes.NewBufferString("no number\tx\n"), "COPY copies FROM STDIN")
	say(err)
	rows(c, "SELECT count(*) FROM copies")
}

func notify() {
	c, other := open(), open()
	must(c.Exec(ctx, "LISTEN news"))
	must(other.Exec(ctx, "SELECT pg_notify('news', $1)", "one"))
	must(other.Exec(ctx, "NOTIFY news, 'two'"))
	for range 2 {
		news := must(c.WaitForNotification(ctx))
		fmt.Println(news.Channel, news.Payload)
	}
}

func cancel() {
	c, other := open(), open()
	ended := make(chan error)
	go func() {
		_, err := c.Exec(ctx, "SELECT pg_sleep(60)")
		ended <- err
	}()
	for asleep := 0; asleep == 0; {
		text := "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
		must(0, other.QueryRow(ctx, text).Scan(&asleep))
	}
	must(0, c.PgConn().CancelRequest(ctx))
	say(<-ended)
	rows(c, "SELECT 1 AS one")
}

func transactions() {
	c := open()
	tx := must(c.Begin(ctx))
	must(tx.Exec(ctx, "INSERT INTO steps VALUES (1)"))
	nested := must(tx.Begin(ctx))
	_, err := nested.Exec(ctx, "INSERT INTO steps VALUES (1)")
	say(err)
	_, err = nested.Exec(ctx, "SELECT 1")
	say(err)
	must(0, nested.Rollback(ctx))
	must(tx.Exec(ctx, "INSERT INTO steps VALUES (3)"))
	must(0, tx.Commit(ctx))
	tx = must(c.Begin(ctx))
	must(tx.Exec(ctx, "INSERT INTO steps VALUES (4)"))
	must(0, tx.Rollback(ctx))
	rows(c, "SELECT * FROM steps ORDER BY 1")
}

func failures() {
	config := must(pgx.ParseConfig(url))
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { fmt.Println(notice.Severity, notice.Message) }
	c := must(pgx.ConnectConfig(ctx, config))
	for _, text := range []string{
		"SELEC 1", "SELECT * FROM nowhere", "SELECT 1/0", "INSERT INTO items VALUES (1, 'again')",
		"DO $$ BEGIN RAISE NOTICE 'seen'; END $$",
	} {
		_, err := c.Exec(ctx, text)
		say(err)
	}
}

func large() {
	c := open()
	var text string
	must(0, c.QueryRow(ctx, "SELECT repeat('0123456789', 5242880)").Scan(&text))
	fmt.Printf("%d %x\n", len(text), sha256.Sum256([]byte(text)))
	rows(c, "SELECT length($1::text)", text)
}

func cursor() {
	tx := must(open().Begin(ctx))
	must(tx.Exec(ctx, "DECLARE many CURSOR FOR SELECT n, md5(n::text) FROM generate_series(1, 20000) n"))
	digest := sha256.New()
	for {
		fetched := must(pgx.CollectRows(must(tx.Query(ctx, "FETCH 777 FROM many")), pgx.RowToMap))
		fmt.Fprintln(digest, fetched)
		if len(fetched) < 777 {
			break
		}
	}
	fmt.Printf("%x\n", digest.Sum(nil))
}

func main() {
	features := map[string]func(){
		"startup": startup, "encryption": encryption, "password": password, "simple": simple, "extended": extended,
		"prepared": prepared, "pipeline": pipeline, "copy": copies, "notify": notify, "cancel": cancel,
		"transactions": transactions, "errors": failures, "large": large, "cursor": cursor,
	}
	features[os.Args[2]]()
}
