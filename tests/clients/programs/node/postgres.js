// What pg does with a database: `postgres.js URL FEATURE`. It prints nothing that differs from run to run.
const { createHash } = require('crypto');
const tls = require('tls');
const { Client } = require('pg');

const [url, feature] = process.argv.slice(2);
const say = (...what) => console.log(...what.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))));
const sha = (text) => createHash('sha256').update(text).digest('hex');
const state = (promise) => promise.then(() => say('no error'), (error) => say(error.code ?? error.message, error.severity ?? ''));
async function open(more = {}) {
  const client = new Client({ connectionString: url, ...more });
  await client.connect();
  return client;
}

const features = {
  async startup() {
    const options = '-c search_path=public,pg_catalog -c statement_timeout=12345';
    const c = await open({ application_name: 'a table', options, client_encoding: 'utf8' });
    for (const name of ['application_name', 'search_path', 'statement_timeout', 'client_encoding']) {
      say(name, (await c.query('SHOW ' + name)).rows);
    }
    await c.end();
  },
  async encryption() {
    const bare = url.replace(/\?.*/, '');
    const tries = { none: { ssl: false }, anyone: { ssl: { rejectUnauthorized: false } } };
    if (url !== bare && url.includes('verify-full')) {
      Object.assign(tries, {
        'NODE_EXTRA_CA_CERTS': { ssl: true },
        'the URL': { connectionString: url },
        'a stranger': { connectionString: url.replace('ca.pem', 'stranger.pem') },
        'elsewhere': { ssl: { checkServerIdentity: (_, it) => tls.checkServerIdentity('elsewhere', it) } },
        'bound': { connectionString: url, enableChannelBinding: true },
      });
    }
    for (const [name, how] of Object.entries(tries)) {
      const client = new Client({ connectionString: bare, ...how });
      const opened = client.connect().then(() => client.query('SELECT 1 AS one'));
      await opened.then(({ rows }) => say(name, 'encrypted:', client.connection.stream.encrypted ?? false, rows),
        (error) => say(name, error.code ?? '', error.message));
      await client.end().catch(() => {});
    }
  },
  async password() {
    await (await open()).end();
    await state(new Client({ connectionString: url.replace(/:[^:@/]+@/, ':wrong@') }).connect());
  },
  async simple() {
    const c = await open();
    const results = await c.query("SELECT 1 AS one; UPDATE lines SET note = '' WHERE false; SELECT 'two' AS two");
    results.forEach((result) => say(result.command, result.rowCount, result.rows));
    await c.end();
  },
  async extended() {
    const c = await open();
    const result = await c.query('SELECT id, name, price, state FROM items WHERE id = ANY($1) ORDER BY id', [[1, 7, 999]]);
    say(result.rows, result.fields.map((field) => field.name));
    say((await c.query({ text: 'SELECT twice($1::int)', values: [21], binary: true })).rows);
    await c.end();
  },
  async prepared() {
    const c = await open();
    for (let n = 0; n < 5; n++) {
      say((await c.query({ name: 'by id', text: 'SELECT name FROM items WHERE id = $1', values: [n] })).rows);
    }
    say((await c.query('SELECT name, statement FROM pg_prepared_statements')).rows);
    await c.end();
  },
  async queue() {
    const c = await open();
    const all = [...Array(50).keys()].map((n) => c.query('SELECT twice($1) AS t', [n]));
    all.push(c.query('SELECT 1 / $1::int', [0]).catch((error) => ({ rows: [{ t: error.code }] })));
    say((await Promise.all(all)).map((result) => result.rows[0].t));
    await c.end();
  },
  async notify() {
    const [c, other] = [await open(), await open()];
    await c.query('LISTEN news');
    const two = new Promise((done) => {
      let seen = 0;
      c.on('notification', ({ channel, payload }) => {
        say(channel, payload);
        if (++seen === 2) done();
      });
    });
    await other.query("SELECT pg_notify('news', $1)", ['one']);
    await other.query("NOTIFY news, 'two'");
    await two;
    await Promise.all([c.end(), other.end()]);
  },
  async cancel() {
    const [c, other] = [await open(), await open()];
    const sleeps = state(c.query('SELECT pg_sleep(60)'));
    const asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    while ((await other.query(asleep)).rowCount === 0);
    const { host, port } = c;
    const { Connection } = require('pg');
    const cancels = new Connection();
    cancels.connect(port, host);
    cancels.on('connect', () => cancels.cancel(c.processID, c.secretKey));
    await sleeps;
    say((await c.query('SELECT 1 AS one')).rows);
    await Promise.all([c.end(), other.end()]);
  },
  async transactions() {
    const c = await open();
    for (const text of ['BEGIN', 'INSERT INTO steps VALUES (1)', 'SAVEPOINT s', 'INSERT INTO steps VALUES (1)', 'SELECT 1',
      'ROLLBACK TO s', 'INSERT INTO steps VALUES (3)', 'COMMIT', 'BEGIN', 'INSERT INTO steps VALUES (4)', 'ROLLBACK']) {
      await state(c.query(text));
    }
    say((await c.query('SELECT * FROM steps ORDER BY 1')).rows);
    await c.end();
  },
  async errors() {
    const c = await open();
    c.on('notice', (notice) => say(notice.severity, notice.message));
    for (const text of ['SELEC 1', 'SELECT * FROM nowhere', 'SELECT 1/0', "INSERT INTO items VALUES (1, 'again')",
      "DO $$ BEGIN RAISE NOTICE 'seen'; END $$"]) {
      await c.query(text).catch((error) => say(error.code, error.message, error.position ?? '', error.constraint ?? ''));
    }
    await c.end();
  },
  async large() {
    const c = await open();
    const text = (await c.query("SELECT repeat('0123456789', 5242880) AS text")).rows[0].text;
    say(text.length, sha(text));
    say((await c.query('SELECT length($1::text) AS length', [text])).rows);
    await c.end();
  },
  async cursor() {
    const c = await open();
    await c.query('BEGIN');
    await c.query('DECLARE many CURSOR FOR SELECT n, md5(n::text) FROM generate_series(1, 20000) n');
    for (let all = ''; ;) {
      const { rows } = await c.query('FETCH 777 FROM many');
      all = sha(all + JSON.stringify(rows));
      if (rows.length < 777) { say(all); break; }
    }
    await c.query('COMMIT');
    await c.end();
  },
};

features[feature]().catch((error) => { console.error(error); process.exit(1); });
