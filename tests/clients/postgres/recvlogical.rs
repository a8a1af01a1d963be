//! pg_recvlogical.

use tokio::process::Command;

use super::cells::shown;
use super::ground::Way;

#[tokio::test]
async fn pg_recvlogical() {
    let run = "url=$1 && psql -qX \"$url\" -c \"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots \
        WHERE slot_name = 'received'\" > /dev/null && pg_recvlogical -d \"$url\" --slot received --create-slot && \
        psql -qX \"$url\" -c \"INSERT INTO lines (id, item, note) VALUES (78, 1, 'received')\" && \
        end=$(psql -XAt \"$url\" -c 'SELECT pg_current_wal_insert_lsn()') && \
        pg_recvlogical -d \"$url\" --slot received --start --endpos $end -o include-xids=0 -f - && \
        pg_recvlogical -d \"$url\" --slot received --drop-slot";
    let says = async |_: &str, way: &Way<'_>| {
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", run, "bash", &way.url]);
        way.said(command).await
    };
    shown("pg_recvlogical", "pg_recvlogical", &["replication"], says).await;
}
