//! A connection that goes over from HTTP/1.1 to HTTP/2 as its first answer (RFC 7540, section 3.2): `Upgrade: h2c`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The protocol's name among those of an `Upgrade` field.
const NAME: &str = "h2c";

/// Whether a field names it among the protocols that its sender would speak, or does from here on.
pub fn is_named(upgrade: &str) -> bool {
    upgrade.split(',').any(|name| name.trim().eq_ignore_ascii_case(NAME))
}

/// The settings of a client that asks for it with these header fields, their names in lower case: the payload of a SETTINGS
/// frame. None where it does not ask; a server that agrees all the same speaks something else.
pub fn asked(headers: &[(String, String)]) -> Option<Vec<u8>> {
    let values = |wanted: &'static str| headers.iter().filter(move |(name, _)| name == wanted);
    values("upgrade").find(|(_, value)| is_named(value))?;
    let mut settings = values("http2-settings");
    let (Some((_, settings)), None) = (settings.next(), settings.next()) else {
        return None;
    };
    URL_SAFE_NO_PAD.decode(settings.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn a_client_asks_with_its_settings_once() {
        let headers = |all: &[(&str, &str)]| -> Vec<_> {
            all.iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let (upgrade, settings) = (("upgrade", "websocket, H2C"), ("http2-settings", "AAEAAABk"));
        assert_eq!(asked(&headers(&[upgrade, settings])), Some(vec![0, 1, 0, 0, 0, 100]));
        assert_eq!(asked(&headers(&[upgrade, ("http2-settings", "")])), Some(vec![]));
        for other in [
            headers(&[("upgrade", "h2c2"), settings]),
            headers(&[settings]),
            headers(&[upgrade]),
            headers(&[upgrade, settings, settings]),
            headers(&[upgrade, ("http2-settings", "~")]),
        ] {
            assert_eq!(asked(&other), None, "{other:?}");
        }
    }
}
