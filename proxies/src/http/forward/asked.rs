//! What a caller asks a forward proxy for.

use super::super::body::Body;
use super::super::head::{FIELDS, framed};

/// Header fields that are a caller's and its proxy's own, beside those that `Connection` names (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 6] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "upgrade",
];
/// Header fields that tell where the body ends: they are for whoever reads it, also where `Connection` names them.
const FRAMING: [&str; 2] = ["transfer-encoding", "content-length"];

/// A host and a port.
pub(super) type Target = (String, u16);

/// What a caller asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub target: Target,
    /// The request that is to be made there; none where a way is asked for.
    pub request: Option<Request>,
}

/// A request as the edge is to get it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub head: Vec<u8>,
    pub body: Body,
}

/// What is asked for, and the length of its head; nothing while the end of that is still to come.
pub(super) fn asked(bytes: &[u8]) -> Result<Option<(usize, Asked)>, &'static str> {
    const FOREIGN: &str = "this is a forward proxy, which speaks HTTP/1.1";
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(bytes).map_err(|error| match error {
        httparse::Error::TooManyHeaders => "the request has too many header fields",
        _ => FOREIGN,
    });
    let httparse::Status::Complete(length) = parsed? else {
        return Ok(None);
    };
    let (method, form) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    if method == "CONNECT" {
        let target = authority(form, None).ok_or("CONNECT asks for `HOST:PORT`")?;
        return Ok(Some((length, Asked { target, request: None })));
    }
    let absolute = form.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let rest = absolute.and(form.get(7..));
    let rest = rest.ok_or("this is a forward proxy: ask for `http://HOST/PATH`, or for a way by CONNECT")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let target = authority(host, Some(80)).ok_or("the request names no host")?;
    let body = framed(request.headers).map_err(|_| "nothing tells where the body of the request ends")?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    let version = request.version.unwrap_or(1);
    let mut head = format!("{method} {slash}{path} HTTP/1.{version}\r\nHost: {host}\r\n").into_bytes();
    for field in &*request.headers {
        if is_passed_on(field.name, request.headers) {
            head.extend_from_slice(&[field.name.as_bytes(), b": ", field.value, b"\r\n"].concat());
        }
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    let body = body.unwrap_or(Body::Empty);
    let request = Some(Request { head, body });
    Ok(Some((length, Asked { target, request })))
}

/// Whether the server gets a field of this name among these as it came; it is told the host anew.
fn is_passed_on(name: &str, fields: &[httparse::Header<'_>]) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other.trim());
    let connections = fields
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case("connection"));
    let mut values = connections.filter_map(|field| std::str::from_utf8(field.value).ok());
    let is_framing = FRAMING.into_iter().any(is);
    is_framing || !is("host") && !HOP_BY_HOP.into_iter().any(is) && !values.any(|value| value.split(',').any(is))
}

/// A host, and its port or the one that is meant without.
fn authority(text: &str, otherwise: Option<u16>) -> Option<Target> {
    let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (text, otherwise?),
    };
    (!host.is_empty()).then(|| (bare(host), port))
}

/// Panics where a request is passed on otherwise than it was read, or read otherwise in pieces.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn passes_on_what_it_reads(bytes: &[u8]) {
    use super::super::head::{Parsed, request};

    let Ok(Some((length, whole))) = asked(bytes) else {
        return;
    };
    for end in 0..length {
        assert_eq!(asked(&bytes[..end]), Ok(None), "with {end} bytes of {length}");
    }
    let Some(Request { head, body }) = whole.request else {
        return;
    };
    match request(&head) {
        Parsed::Head(end, passed) => {
            assert_eq!((end, passed.body, passed.last), (head.len(), body, true));
            assert!(passed.path.starts_with('/'), "{}", passed.path);
            let hosts = passed.headers.iter().filter(|(name, _)| name == "host");
            assert_eq!(hosts.count(), 1);
        }
        // With the fields that are added there are more than an edge takes.
        Parsed::Foreign => assert!(head.iter().filter(|&&byte| byte == b'\n').count() > FIELDS),
        Parsed::Partial => unreachable!("it is whole"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Option<Target> {
        asked(text.as_bytes()).ok()?.map(|(_, asked)| asked.target)
    }

    fn at(host: &str, port: u16) -> Option<Target> {
        Some((host.to_owned(), port))
    }

    #[test]
    fn a_way_is_asked_for_by_host_and_port() {
        assert_eq!(target("CONNECT api.bank:443 HTTP/1.1\r\n\r\n"), at("api.bank", 443));
        assert_eq!(target("CONNECT [::1]:443 HTTP/1.1\r\n\r\n"), at("::1", 443));
        for wrong in ["api.bank", ":443", "api.bank:https", "api.bank:65536"] {
            assert_eq!(target(&format!("CONNECT {wrong} HTTP/1.1\r\n\r\n")), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_is_passed_on_as_a_server_gets_it() {
        let text = "POST http://me:secret@API.bank:8080?a=1 HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\n\
                    Proxy-Authorization: Basic eA==\r\nConnection: keep-alive\r\nX-Own: 1\r\nContent-Length: 3\r\n\r\nabcGET";
        let (length, asked) = asked(text.as_bytes()).unwrap().unwrap();
        assert_eq!(&text[length..], "abcGET");
        assert_eq!(Some(asked.target), at("API.bank", 8080));
        let request = asked.request.unwrap();
        assert_eq!(
            String::from_utf8(request.head).unwrap(),
            "POST /?a=1 HTTP/1.1\r\nHost: API.bank:8080\r\nX-Own: 1\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(request.body, Body::Length(3));
        assert_eq!(target("GET HTTP://api.bank/a HTTP/1.1\r\n\r\n"), at("api.bank", 80));
        assert_eq!(target("GET http://[::1]/a HTTP/1.1\r\n\r\n"), at("::1", 80));
    }

    #[test]
    fn what_is_between_a_caller_and_its_proxy_goes_no_further() {
        let text = "GET http://api.bank/a HTTP/1.1\r\nConnection: TE, close\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Hop: 1\r\n\
                    connection: Upgrade , x-hop,HTTP2-Settings, Content-Length\r\nHTTP2-Settings: \r\nTEA: 2\r\nContent-Length: 0\r\n\r\n";
        let (_, asked) = asked(text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(asked.request.unwrap().head).unwrap(),
            "GET /a HTTP/1.1\r\nHost: api.bank\r\nTEA: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn what_is_asked_of_no_proxy_is_not_understood() {
        for wrong in [
            "GET /a HTTP/1.1\r\n\r\n",
            "GET https://api.bank/a HTTP/1.1\r\n\r\n",
            "GET http:///a HTTP/1.1\r\n\r\n",
            "POST http://api.bank/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{0}",
        ] {
            assert!(asked(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert_eq!(asked(b"GET http://api.bank/a HTTP/1.1\r\nHo"), Ok(None));
    }
}
