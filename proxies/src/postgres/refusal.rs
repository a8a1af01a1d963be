//! What a session is answered with that names a database which no edge of its caller leads to (ErrorResponse in "Message
//! Formats", its fields in "Error and Notice Message Fields").

/// `invalid_catalog_name`: what the server itself says of a database that is not there.
const NO_SUCH_DATABASE: &str = "3D000";

/// `feature_not_supported`.
const NOT_SUPPORTED: &str = "0A000";

/// What a session asks for that is not its sandbox's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// A database of this name.
    Database(String),
    /// The whole server, by physical replication.
    Server,
}

/// The ErrorResponse for a session of `caller` that asks for more than the `known` databases that are there for it.
pub(super) fn refusal<'k>(caller: &str, beyond: &Beyond, known: impl Iterator<Item = &'k String>) -> Vec<u8> {
    let database = match beyond {
        Beyond::Database(name) => name,
        Beyond::Server => {
            let hint = "logical replication (`replication=database`) is of one database";
            return fatal(
                NOT_SUPPORTED,
                "physical replication is of the whole server, not of a sandbox",
                hint,
            );
        }
    };
    let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    let message = format!("database \"{database}\" does not exist for {caller}: no edge leads there");
    let hint = match known.as_slice() {
        [] => format!("give {caller} an edge to it in the mesh"),
        known => format!(
            "the databases here are {}; else give {caller} an edge to it in the mesh",
            known.join(", ")
        ),
    };
    fatal(NO_SUCH_DATABASE, &message, &hint)
}

fn fatal(code: &str, message: &str, hint: &str) -> Vec<u8> {
    let fields = [('S', "FATAL"), ('V', "FATAL"), ('C', code), ('M', message), ('H', hint)];
    let content: String = fields
        .into_iter()
        .map(|(field, text)| format!("{field}{text}\0"))
        .chain(["\0".to_owned()])
        .collect();
    [b"E", super::framed(content.as_bytes()).as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_which_databases_are_there() {
        let bytes = refusal(
            "shop",
            &Beyond::Database("billing-db".to_owned()),
            [&"shop-db".to_owned()].into_iter(),
        );
        assert_eq!(
            bytes[..5],
            [
                b"E",
                &u32::try_from(bytes.len() - 1).unwrap_or_default().to_be_bytes()[..]
            ]
            .concat()
        );
        let text = String::from_utf8_lossy(&bytes[5..]).replace('\0', "\n");
        let expected = "SFATAL\nVFATAL\nC3D000\nMdatabase \"billing-db\" does not exist for shop: no edge leads there\n\
            Hthe databases here are `shop-db`; else give shop an edge to it in the mesh\n\n";
        assert_eq!(text, expected);
    }
}
